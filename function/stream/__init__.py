"""Turns model events into validated partial objects, and those into bytes.

Nothing here depends on AWS: its ids pass through as text, and ``function.aws`` translates everything else.
"""
