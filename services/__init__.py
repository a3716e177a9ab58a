"""The services. None imports a sibling; what they share is in `shared`."""
