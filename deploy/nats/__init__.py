"""NATS as a deployment runs it."""
