"""Beside the layers: the probe, the benchmarks and the chaos run. They measure the service and are
not part of it."""
