"""Layer 1: decisions.

Everything here is a plain function of its arguments over frozen data. No Flask, no database, no
Twilio, no clock, no randomness, no new ids: what a decision needs is passed in, and what must
happen is returned as effects. Only the standard library is imported (tests/test_layers.py).
"""
