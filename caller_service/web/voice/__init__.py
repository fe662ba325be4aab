"""Layer 4: calls, as Twilio asks about them."""
