"""What IAM would say of identity policies (IAM User Guide, "Policy evaluation logic"), as far as they are used here."""

import fnmatch
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from components.iam.document import Statement, document

Document = Mapping[str, Any]
Context = Mapping[str, str]


def policy(statements: Sequence[Statement]) -> Document:
    """Return the policy document of statements, as IAM reads it."""
    found: Document = json.loads(document(statements))
    return found


def allows(documents: Iterable[Document], action: str, resource: str, context: Context | None = None) -> bool:
    """Tell whether the documents together allow ``action`` on ``resource``; an explicit denial wins."""
    statements = [statement for document in documents for statement in document["Statement"]]
    applying = [statement["Effect"] for statement in statements if _applies(statement, action, resource, context or {})]
    return "Deny" not in applying and "Allow" in applying


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    return (
        any(_matches(pattern.lower(), action.lower()) for pattern in _listed(statement["Action"]))
        and any(_matches(pattern, resource) for pattern in _listed(statement["Resource"]))
        and all(
            _holds(operator, context.get(key), _listed(values))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _holds(operator: str, value: str | None, allowed: Sequence[str]) -> bool:
    match operator:
        case "StringEquals":
            return value in allowed
        case "StringNotEquals":
            return value not in allowed
        case "Bool":
            return value in allowed
        case "ArnLike" | "StringLike":
            return value is not None and any(_matches(pattern, value) for pattern in allowed)
    raise NotImplementedError(operator)


def _listed(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _matches(pattern: str, text: str) -> bool:
    """IAM knows ``*`` and ``?`` and no brackets."""
    return re.fullmatch(fnmatch.translate(pattern.replace("[", "[[]")), text) is not None


def template(documents: Mapping[str, Document]) -> str:
    """Return a CloudFormation template with these policies of a role, for the linter."""
    policies = {
        "".join(filter(str.isalnum, name)): {
            "Type": "AWS::IAM::RolePolicy",
            "Properties": {"RoleName": "role", "PolicyName": name, "PolicyDocument": document},
        }
        for name, document in documents.items()
    }
    return json.dumps({"Resources": policies})
