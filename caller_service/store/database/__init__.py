"""The database: engines, deadlines, and how work is written.

What SQLite needs (one writer at a time, group commit) is here, and nothing above knows of it:
`writer_for` gives the writer that fits the engine.
"""
