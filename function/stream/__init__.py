"""Turns model events into validated partial objects, and those into bytes. Nothing here is about AWS."""
