"""Twilio's REST resources, one file each, over the accounts that the world holds."""
