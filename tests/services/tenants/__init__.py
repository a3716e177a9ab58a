"""Tenants beside each other: what each may see, and what they share."""
