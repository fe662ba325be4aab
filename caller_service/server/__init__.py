"""Layer 5: the web server, the worker process, and the checks before either starts."""

# Python's thread switch interval. A thread that returns from the database holding the write lock
# must not wait the default 5 ms for the interpreter.
SWITCH = 0.0005  # seconds
