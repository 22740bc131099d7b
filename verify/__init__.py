"""Checks an endpoint from outside, by HTTP only: a deployed one or the local stack. It knows nothing of the code."""
