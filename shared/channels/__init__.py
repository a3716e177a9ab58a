"""Channels: each a folder that owns its dialect and its wire. Services never ask which channel it is."""
