"""The agent: runs the model and its tools, one turn at a time per thread."""
