"""What Prometheus is told: rules, and what it scrapes in Compose."""
