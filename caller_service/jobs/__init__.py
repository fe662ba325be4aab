"""Layer 2: the only package that knows the job engine (DBOS).

Enqueue on a connection, register a job by name, run the worker. Jobs take ids only, return nothing
and raise nothing but our own codes: the engine keeps arguments, results and errors in plain.
"""
