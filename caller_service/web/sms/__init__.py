"""Layer 4: Twilio's webhooks for texts."""
