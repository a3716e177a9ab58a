"""The local stack: embedded servers, supervisor, fake Twilio, scripted model. Only the tests and the CLI import it."""
