"""The API `/v1`, as its callers meet it."""
