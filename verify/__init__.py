"""Checks an endpoint from outside, over HTTP alone: the twin or a deployed stage. It knows nothing of the code."""
