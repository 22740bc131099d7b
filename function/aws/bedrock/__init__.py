"""Bedrock: the calls of the Converse API, its errors, and repairs of its text before it is read as JSON."""
