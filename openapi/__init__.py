"""The OpenAPI documents of an endpoint, written by ``python -m openapi``."""
