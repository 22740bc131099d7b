"""From a model or inference profile to the IAM statements that allow the function to call it and nothing else.

Patterns: Bedrock User Guide, "Prerequisites for inference profiles", geographic and global cross-region inference.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
_REGIONLESS: Final = "ModelInAnyRegion"
"""The statement for ARNs without a region, which a profile calls in a region that it does not tell."""
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


def model_statements(called: Sequence[tuple[Model, Sequence[str]]], place: Place) -> list[Statement]:
    """Return the statements for all models and profiles that the function calls, as few as possible.

    Args:
        called: each with the ARNs of the models behind it, if it is a geographic or application profile.
        place: where the function runs.
    """
    profiles: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for grant in (grant for each, behind in called for grant in _grants(each, place, behind)):
        profiles.setdefault((grant.sid, grant.resources), set()).update(grant.profiles)
    resources: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for (sid, arns), through in profiles.items():
        resources.setdefault((sid, tuple(sorted(through))), set()).update(arns)
    taken: Counter[str] = Counter()
    statements = []
    for (sid, only_through), named in resources.items():
        taken[sid] += 1  # a policy takes each id once
        number = taken[sid] if taken[sid] > 1 else ""
        statements.append(allow(f"{sid}{number}", ACTION, sorted(named), _condition(sid, only_through)))
    return statements


@dataclass(frozen=True)
class _Grant:
    """What one statement allows: to call the resources, through the profiles if there are some."""

    sid: str
    resources: tuple[str, ...]
    profiles: tuple[str, ...] = ()


def _grants(called: Model, place: Place, behind: Sequence[str]) -> Iterator[_Grant]:
    if called.kind is Kind.MODEL:
        yield _Grant("Model", (_model_arn(place.partition, place.region, called.id),))
        return
    profile = (
        called.arn or f"arn:{place.partition}:bedrock:{place.region}:{place.account}:inference-profile/{called.id}"
    )
    own = _model_arn(place.partition, place.region, called.foundation_model)
    everywhere = _model_arn(place.partition, "", called.foundation_model)
    regional = {own, *behind} if called.kind is Kind.GEOGRAPHIC else set(behind)
    if called.kind is Kind.GLOBAL:
        regional, regionless = {own}, {everywhere}
    else:
        regionless = {arn for arn in regional if arn.split(":")[3] == ""}
        regional -= regionless
    yield _Grant("Profile", (profile,))
    if regional:
        yield _Grant("ModelsBehindProfile", tuple(sorted(regional)), (profile,))
    if regionless:
        yield _Grant(_REGIONLESS, tuple(sorted(regionless)), (profile,))


def _condition(sid: str, profiles: Sequence[str]) -> Mapping[str, Mapping[str, str | Sequence[str]]] | None:
    if not profiles:
        return None
    equal: dict[str, str | Sequence[str]] = {
        "bedrock:InferenceProfileArn": profiles[0] if len(profiles) == 1 else list(profiles)
    }
    return {"StringEquals": {**equal, "aws:RequestedRegion": "unspecified"} if sid == _REGIONLESS else equal}


def models_in(called: Model, place: Place, regions: Sequence[str]) -> list[str]:
    """Return the ARNs of the models behind a profile that routes to ``regions`` and to the region that calls it."""
    return [_model_arn(place.partition, region, called.foundation_model) for region in sorted({place.region, *regions})]


def guardrail_statements(guardrails: Sequence[str], place: Place) -> list[Statement]:
    """Return the statement for guardrails, each given as ``id:version`` or ``ARN:version``."""
    arns = sorted({_guardrail_arn(guardrail.rpartition(":")[0], place) for guardrail in guardrails})
    return [allow("Guardrail", "bedrock:ApplyGuardrail", arns[0] if len(arns) == 1 else arns)]


def _guardrail_arn(name: str, place: Place) -> str:
    if name.startswith("arn:"):
        return name
    return f"arn:{place.partition}:bedrock:{place.region}:{place.account}:guardrail/{name}"


def _model_arn(partition: str, region: str, name: str) -> str:
    return f"arn:{partition}:bedrock:{region}::foundation-model/{name}"
