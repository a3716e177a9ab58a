"""What people send beside text, as it is kept and told."""
