"""What a deployment is made of, beside the code that it runs."""
