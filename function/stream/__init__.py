"""The domain: model events become validated partial objects, and those become bytes."""
