"""The staff's console. Every door names its act (core/roles.py) by `may`, behind the guard
`console_only`; doors before signing in stand behind `before_sign_in`."""
