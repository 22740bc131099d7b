"""The server side of HTTP/1.1 (RFC 9112) as the local stack needs it."""
