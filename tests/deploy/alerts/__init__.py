"""The alerts, tried with promtool: what fires them, and what does not."""
