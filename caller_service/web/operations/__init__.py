"""Layer 4: health and metrics, for who runs the service."""
