"""The console: sets the platform up, keeps ingress's directory current, and shows the state of the services."""
