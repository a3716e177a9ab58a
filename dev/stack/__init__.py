"""The local stack: every process of Trunkline under one supervisor, its state below one directory."""
