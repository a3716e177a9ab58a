"""How well knowledge is found: `python -m bench.retrieval`."""
