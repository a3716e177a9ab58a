"""Egress: renders replies into parts and sends them, in order, each once."""
