"""How stages speak to AWS: briefly. The client has its answer, and the time that is left is for all of them."""

from botocore.config import Config

SINK_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
"""Seconds, and no second try: a sink that hangs must not cost the stages after it."""
