"""IAM policy documents and what their statements are made of."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Statement = dict[str, object]
"""One statement of an IAM policy document."""


@dataclass(frozen=True)
class Place:
    """Where the function runs."""

    partition: str
    region: str
    account: str

    @classmethod
    def of(cls, arn: str) -> "Place":
        """Return the place of a resource by its ARN."""
        _, partition, _, region, account, *_ = arn.split(":")
        return cls(partition, region, account)


def document(statements: Sequence[Statement]) -> str:
    """Return the policy document that consists of ``statements``, as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(
    sid: str,
    action: str | Sequence[str],
    resource: str | Sequence[str],
    condition: Mapping[str, Mapping[str, str | Sequence[str]]] | None = None,
) -> Statement:
    """Return the statement that allows each action on each resource, under the condition if there is one."""
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}
    return statement if condition is None else {**statement, "Condition": condition}


def merged(statements: Sequence[Statement]) -> list[Statement]:
    """Return the statements without those that are equal to an earlier one."""
    unique: dict[str, Statement] = {}
    for statement in statements:
        unique.setdefault(json.dumps(statement, sort_keys=True), statement)
    return list(unique.values())
