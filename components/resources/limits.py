"""AWS's limits on what several arguments add up to. A preview adds up what is known by then."""

import json
from collections.abc import Mapping
from typing import Final

import pulumi

from ..values import InvalidArgument

ENVIRONMENT: Final = 4096
"""Bytes of all variables of a function (Lambda Developer Guide, "Lambda quotas")."""

POLICIES: Final = 10_000
"""Characters of all inline policies of a role, without white space. IAM has 240 more, kept for what is not known yet.

docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""


def refuse_large_environment(variables: Mapping[str, pulumi.Input[str]], keys: str) -> None:
    """Fail the deployment, or its preview, if the variables whose values are known are too large together.

    Lambda measures them as one JSON object, which its error message quotes. ``keys`` are the arguments that add to
    them.
    """

    def measure(known: Mapping[str, str]) -> None:
        size = len(json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode())
        if size > ENVIRONMENT:
            raise InvalidArgument(
                f"{keys}: the function's variables must have at most {ENVIRONMENT:,} bytes as JSON, those of its "
                f"settings included; they have {size:,}. Keep large values elsewhere, for example in Parameter Store.",
            )

    _known(variables).apply(measure)


def refuse_large_policies(policies: Mapping[str, pulumi.Input[str]], keys: str) -> None:
    """Fail the deployment, or its preview, if the policies that are known are too large together.

    ``keys`` are the arguments that add to them.
    """

    def measure(known: Mapping[str, str]) -> None:
        size = sum(len("".join(policy.split())) for policy in known.values())
        if size > POLICIES:
            raise InvalidArgument(
                f"{keys}: the policies of the function's role must have at most {POLICIES:,} characters together; "
                f"they have {size:,}. Attach a managed policy to the role that the output roleName names instead.",
            )

    _known(policies).apply(measure)


def _known(values: Mapping[str, pulumi.Input[str]]) -> pulumi.Output[dict[str, str]]:
    """Return the values that are known, secrets included."""
    return pulumi.Output.secret(_awaited(values))


async def _awaited(values: Mapping[str, pulumi.Input[str]]) -> dict[str, str]:
    found = {}
    for name, value in values.items():
        output = pulumi.Output.from_input(value)
        text = await output.future()
        if text is not None and await output.is_known():
            found[name] = text
    return found
