"""Layer 4: one package an audience. They may import `shared`, never each other."""
