"""Layer 5: the web server, the worker process and what must hold before either starts."""
