"""Grafana's dashboards, and how Compose's Grafana finds them."""
