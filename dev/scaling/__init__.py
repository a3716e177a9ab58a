"""Scaling on this machine as KEDA does it in a cluster: the same manifests, the same figures, the same rule."""
