"""The function, started once at preview: a typo in a module fails the preview, not a request."""
