"""The router: takes in what people wrote, in order, and decides who answers."""
