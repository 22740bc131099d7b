"""What all children of the component have in common: the prefix of their names, the parent, the tags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Scope:
    """The component, as its children need it."""

    name: str
    parent: pulumi.Resource
    tags: Mapping[str, pulumi.Input[str]]

    def child(self, suffix: str) -> str:
        """Return a child's name."""
        return f"{self.name}-{suffix}"

    def options(self, after: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        """Return a child's options; ``after`` are resources that must exist before it, besides those in its inputs."""
        return pulumi.ResourceOptions(parent=self.parent, depends_on=list(after))
