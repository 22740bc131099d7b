"""The page of ``make serve``, and its server."""
