"""Layer 4: one package for each audience. They may import `shared`, never each other."""
