"""Layer 4: health and metrics, for operators."""
