"""Floor 4½: the doors for residents and machines: Twilio's webhooks, the public pages, the API, health."""
