"""What turns a file of whatever kind into passages. Runs in a process of its own: files come from anywhere."""
