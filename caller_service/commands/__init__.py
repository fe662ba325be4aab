"""Layer 6: the `caller-service` command line; each subcommand has a module beside it."""
