"""How long each phase takes, on cases whose answers are known: `python -m benchmarks`."""
