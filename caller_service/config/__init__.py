"""Layer 2: what an operator writes. Settings, program, protocol and areas are read and checked
here; each fault is named, all at once."""
