"""The staff console. Every view declares its act (core/roles.py) with `may`, behind the guard
`console_only`; views before signing in are behind `before_sign_in`."""
