"""WhatsApp through Twilio. Nothing outside this folder knows Twilio's SDK, its codes or its dialect."""
