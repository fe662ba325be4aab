"""Layer 2: clients of external services.

Twilio's REST API and signatures, and webhooks to destinations. Their errors are translated into
ours here and nowhere else; no error of ours quotes a number, a place or anybody's words.
"""
