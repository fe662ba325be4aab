"""One attempt to reach somebody: claim, look up, one call to the outside, settle or schedule the
next try."""
