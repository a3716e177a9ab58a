"""The phone simulator: phones, and a Twilio that is not Twilio, on loopback only."""
