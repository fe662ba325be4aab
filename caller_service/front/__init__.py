"""Floor 4: what every door shares: guards, headers, one shape of error. No door of its own."""
