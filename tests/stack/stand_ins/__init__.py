"""Programs that stand in for the services, the simulator and the console, on the standard library alone."""
