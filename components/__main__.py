"""Hosts the component for programs in other languages: Pulumi runs this folder as a plugin."""

import sys
from pathlib import Path

from pulumi.provider.experimental import component_provider_host

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # in place of this folder, which is a package

from components import VERSION, StreamingLlmApi  # noqa: E402 - it is on the path only now

if __name__ == "__main__":
    component_provider_host(name="streaming-llm", components=[StreamingLlmApi], version=VERSION)
