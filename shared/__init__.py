"""The kernel that every service builds on. It never imports a service."""
