"""Layer 4: what all endpoints share: guards, headers, one error format, TwiML, the fallback texts.
It has no endpoint of its own."""
