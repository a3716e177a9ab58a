"""The canary: a conversation with nobody, which proves the whole path. What we send in it is a read of the provider's account."""
