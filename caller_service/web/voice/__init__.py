"""Layer 4: Twilio's webhooks for calls."""
