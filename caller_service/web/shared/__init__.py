"""Layer 4: what every door shares: guards, headers, one shape of error, TwiML, the fallback words.
No door of its own."""
