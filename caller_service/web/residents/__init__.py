"""Layer 4: the pages that anybody may read."""
