"""Layer 2: what we remember.

Tables, statements, the connection that queues writers, encryption. Statements run on the connection
they are given and never commit; this room never decides.
"""
