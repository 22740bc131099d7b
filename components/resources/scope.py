"""What every child of the component has in common: the name's beginning, the parent, the tags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Scope:
    """The component, as seen from its children."""

    name: str
    parent: pulumi.Resource
    tags: Mapping[str, pulumi.Input[str]]

    def child(self, suffix: str) -> str:
        """Return a child's name."""
        return f"{self.name}-{suffix}"

    def options(self, after: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        """Return a child's options: parented, and made after the resources that its inputs do not name."""
        return pulumi.ResourceOptions(parent=self.parent, depends_on=list(after))
