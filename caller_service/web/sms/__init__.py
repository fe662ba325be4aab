"""Layer 4: texts, as Twilio brings them."""
