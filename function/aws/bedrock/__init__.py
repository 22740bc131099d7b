"""Bedrock: the Converse dialect, its failures, and what its text needs before it is read as JSON."""
