"""Layer 5: the web server, the worker process and what must hold before either starts."""

# A thread that comes back from the database must not wait Python's usual 5 ms for its turn while it
# holds the write lock.
SWITCH = 0.0005  # seconds
