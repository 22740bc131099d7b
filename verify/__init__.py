"""Checks an endpoint from outside, by HTTP only: a deployed one or the local stack. It uses no code of the function."""
