"""The checks: what the endpoint promises on the wire (docs/wire.md), a function per promise."""
