"""Measurements, each as a ratio to something measured beside it in the same run. Results are in docs/performance.md."""
