"""From a model or inference profile to the IAM statements that allow the function to call it and nothing else.

Patterns: Bedrock User Guide, "Prerequisites for inference profiles", geographic and global cross-region inference.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .document import Place, Statement, allow

ACTION: Final = "bedrock:InvokeModelWithResponseStream"
"""The action that authorises ConverseStream. InvokeModel authorises Converse, which the function never calls."""

_GEOGRAPHIES: Final = ("us", "us-gov", "eu", "apac", "jp", "au", "ca", "in", "sa", "me", "af")
"""The known prefixes of profile ids. Before the id of a Claude model, every prefix is that of a profile."""

_PROFILE_ARN: Final = re.compile(
    r"arn:(?P<partition>[\w-]+):bedrock:(?P<region>[\w-]+):(?P<account>\d{12}):"
    r"(?P<kind>application-inference-profile|inference-profile)/(?P<id>.+)",
)
_MODEL_ARN: Final = re.compile(r"arn:[\w-]+:bedrock:[\w-]+::foundation-model/(?P<id>.+)")


class Kind(StrEnum):
    """What a model id names."""

    MODEL = "a foundation model"
    GEOGRAPHIC = "a geographic inference profile"
    GLOBAL = "a global inference profile"
    APPLICATION = "an application inference profile"


@dataclass(frozen=True)
class Model:
    """What a model id names."""

    kind: Kind
    id: str
    """The id of the model or profile, without the rest of an ARN."""
    arn: str | None = None
    """The ARN of the profile, if the model id is one."""

    @property
    def foundation_model(self) -> str:
        """The id of the model, or ``*`` for an application inference profile, whose id does not contain it."""
        if self.kind is Kind.APPLICATION:
            return "*"
        return self.id if self.kind is Kind.MODEL else self.id.partition(".")[2]

    @property
    def has_unknown_regions(self) -> bool:
        """Whether only Bedrock knows the regions that the profile routes to."""
        return self.kind in {Kind.GEOGRAPHIC, Kind.APPLICATION}


def model(model_id: str) -> Model:
    """Return what a model id, a profile id or the ARN of one of them names."""
    if profile := _PROFILE_ARN.fullmatch(model_id):
        if profile["kind"] == "application-inference-profile":
            return Model(Kind.APPLICATION, profile["id"], model_id)
        return Model(_kind(profile["id"]), profile["id"], model_id)
    if bare := _MODEL_ARN.fullmatch(model_id):
        return Model(Kind.MODEL, bare["id"])
    return Model(_kind(model_id), model_id)


def _kind(name: str) -> Kind:
    prefix, _, rest = name.partition(".")
    if prefix == "global":
        return Kind.GLOBAL
    return Kind.GEOGRAPHIC if prefix in _GEOGRAPHIES or rest.startswith("anthropic.") else Kind.MODEL


def model_statements(called: Model, place: Place, behind: Sequence[str] = ()) -> list[Statement]:
    """Return the statements for ``called`` from ``place``.

    Args:
        called: the model or profile that the function calls.
        place: where the function runs.
        behind: ARNs of the models that a geographic or application profile routes to.
    """
    if called.kind is Kind.MODEL:
        return [allow("Model", ACTION, [_model_arn(place.partition, place.region, called.id)])]
    profile = (
        called.arn or f"arn:{place.partition}:bedrock:{place.region}:{place.account}:inference-profile/{called.id}"
    )
    through = {"StringEquals": {"bedrock:InferenceProfileArn": profile}}
    own = _model_arn(place.partition, place.region, called.foundation_model)
    everywhere = _model_arn(place.partition, "", called.foundation_model)
    regional = {own, *behind} if called.kind is Kind.GEOGRAPHIC else set(behind)
    if called.kind is Kind.GLOBAL:
        regional, regionless = {own}, {everywhere}
    else:
        regionless = {arn for arn in regional if arn.split(":")[3] == ""}
        regional -= regionless
    statements = [allow("Profile", ACTION, [profile])]
    if regional:
        statements.append(allow("ModelsBehindProfile", ACTION, sorted(regional), through))
    if regionless:
        unspecified = {"StringEquals": {**through["StringEquals"], "aws:RequestedRegion": "unspecified"}}
        statements.append(allow("ModelInAnyRegion", ACTION, sorted(regionless), unspecified))
    return statements


def models_in(called: Model, place: Place, regions: Sequence[str]) -> list[str]:
    """Return the ARNs of the models behind a profile that routes to ``regions`` and to the region that calls it."""
    return [_model_arn(place.partition, region, called.foundation_model) for region in sorted({place.region, *regions})]


def guardrail_statements(guardrail: str, place: Place) -> list[Statement]:
    """Return the statement for a guardrail, given as ``id:version`` or ``ARN:version``."""
    name = guardrail.rpartition(":")[0]
    arn = (
        name
        if name.startswith("arn:")
        else f"arn:{place.partition}:bedrock:{place.region}:{place.account}:guardrail/{name}"
    )
    return [allow("Guardrail", "bedrock:ApplyGuardrail", arn)]


def _model_arn(partition: str, region: str, name: str) -> str:
    return f"arn:{partition}:bedrock:{region}::foundation-model/{name}"
