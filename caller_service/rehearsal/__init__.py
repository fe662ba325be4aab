"""Beside the house: a stand-in Twilio with a phone page, and a stand-in dispatch system (CAD).

The law of this folder: it imports nothing of `caller_service` outside itself, and reaches the house
only through its HTTP doors, signed and worded as the real Twilio and a real CAD would do it.
Everything is kept in memory and lost at the end. Both are for rehearsal and tests, on the loopback
address, and are no part of a live service.
"""
