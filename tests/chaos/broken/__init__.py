"""Services with one promise broken on purpose, each started in place of the real one: the checker has to notice."""
