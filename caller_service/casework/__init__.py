"""Layer 3: one piece of work from start to end: load, decide, keep.

Only here are transactions opened. What must be known (engine, keys, words, the clock, new ids)
arrives in `Parts`. No network call happens while a transaction is open.
"""
