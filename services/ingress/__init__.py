"""Takes the providers' webhooks: verified, stored durably, and only then acknowledged. Needs NATS, never Postgres."""
