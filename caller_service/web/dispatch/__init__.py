"""Layer 4: dispatch, partners and CAD systems: the JSON API, EIDO, the printable page."""
