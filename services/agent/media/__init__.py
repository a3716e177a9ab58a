"""What people send beside text: fetched in their turn, looked at, and told to the model."""
