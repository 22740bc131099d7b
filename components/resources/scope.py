"""What all children of the component have in common: the prefix of their names, the parent, the tags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi


@dataclass(frozen=True)
class Scope:
    """The component, as its children need it."""

    name: str
    parent: pulumi.Resource
    tags: Mapping[str, pulumi.Input[str]]
    route: str = ""
    """The route that the children belong to; empty for those that all routes share, or if there is one route."""

    def child(self, suffix: str) -> str:
        """Return a child's name."""
        return f"{self.name}-{suffix}-{self.route}" if self.route else f"{self.name}-{suffix}"

    def of(self, route: str) -> "Scope":
        """Return the scope of the children of one of several routes."""
        return replace(self, route=route)

    def options(self, after: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        """Return a child's options; ``after`` are resources that must exist before it, besides those in its inputs."""
        return pulumi.ResourceOptions(parent=self.parent, depends_on=list(after))
