"""Knowledge: reading, indexing, searching."""
