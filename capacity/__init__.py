"""How many requests an endpoint can serve, and what they cost: ``python -m capacity`` (docs/costs.md)."""
