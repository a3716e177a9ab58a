"""The local stack: embedded servers, supervisor, CLI; with stand-ins where the services would be."""
