"""Layer 2: the world outside, in our words.

Twilio's REST API and signatures, webhooks to destinations. Their errors become ours here and
nowhere else; no error of ours quotes a number, a place or what somebody said.
"""
