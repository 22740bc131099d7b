"""What the endpoint promises on the wire, one check per promise. The bytes are in docs/wire.md."""
