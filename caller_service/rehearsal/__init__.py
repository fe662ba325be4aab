"""A stand-in Twilio with a phone page, and a stand-in dispatch system (CAD).

This package imports nothing else of `caller_service` and reaches the service only over HTTP, with
the signatures and formats of the real Twilio and a real CAD. All state is in memory. Both are for
rehearsal and tests, on the loopback address, and are no part of a live service.
"""
