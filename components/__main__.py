"""Hosts the component for programs in other languages: Pulumi runs this folder as a plugin."""

import sys
from pathlib import Path
from typing import cast

import pulumi
from pulumi.provider import main
from pulumi.provider.experimental.analyzer import ComponentDefinition
from pulumi.provider.experimental.component import ComponentProvider

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # in place of this folder, which is a package

from components import VERSION, StreamingLlmApi  # noqa: E402 - it is on the path only now
from components.contract import camel  # noqa: E402 - same
from components.keys import with_names  # noqa: E402 - same


class Host(ComponentProvider):
    """Passes on everything that the caller gave, for the component to check.

    The class of the SDK drops keys that it does not know, and replaces what should be an object and is none by an
    empty one.
    """

    def map_inputs(self, inputs: pulumi.Inputs, component_def: ComponentDefinition) -> pulumi.Inputs:  # noqa: ARG002 - an interface
        """Return the inputs by the names of the arguments."""
        return cast("pulumi.Inputs", with_names(inputs, camel))


if __name__ == "__main__":
    main(Host([StreamingLlmApi], "streaming-llm", None, VERSION), sys.argv[1:])
