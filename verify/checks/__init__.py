"""The checks, one function per promise that the endpoint makes on the wire (docs/wire.md)."""
