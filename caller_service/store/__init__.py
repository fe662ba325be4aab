"""Layer 2: storage.

Tables, statements, encryption, and connections on which writers queue. A statement runs on the
connection it is given and never commits; this package never decides.
"""
