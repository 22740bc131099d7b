"""API Gateway, REST, STREAM mode, on this machine."""
