"""A scripted model behind an OpenAI-compatible API: deterministic, offline, and as wrong as a test wants it."""
