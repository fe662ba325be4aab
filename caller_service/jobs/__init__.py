"""Layer 2: the only package that knows the job engine (DBOS).

Enqueue on a connection, register a job by name, run the worker. Jobs take only ids, return nothing
and raise only our own codes, because the engine stores arguments, results and errors unencrypted.
"""
