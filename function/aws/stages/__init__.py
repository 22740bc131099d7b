"""The stages of the endpoint: what happens to a record when its stream is over."""
