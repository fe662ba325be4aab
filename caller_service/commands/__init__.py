"""Layer 5: the `caller-service` command line; what a subcommand does stands beside it."""
