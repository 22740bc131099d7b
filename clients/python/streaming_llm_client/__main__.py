"""``python -m streaming_llm_client``."""

from .cli import main

main()
