"""Layer 1: decisions.

Everything here is a plain function of its arguments over frozen data. No Flask, no database, no
Twilio, no clock, no chance, no ids of its own making: what must be known is passed in, and what
must happen is returned as effects. Only the standard library is imported. tests/test_layers.py
holds us to it.
"""
