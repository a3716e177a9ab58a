"""The images and Compose, tried for real: built, brought up, inspected, written to, upgraded under load."""
