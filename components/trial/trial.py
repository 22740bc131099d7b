"""The function is started once before anything is deployed: a typo in a module fails the preview, not a request."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi

from ..bundle import Bundle
from ..bundle.cache import digest, replacing
from ..contract import SETTINGS, camel, route_variable, variable
from ..values import InvalidArgument
from .clients import missing_services

PROGRAM: Final = Path(__file__).with_name("inspection.py")
"""The program that the process runs."""

UNKNOWN_MODEL: Final = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/unknown-at-preview"
"""Stands for a model that only the deployment knows: of the model behind such a profile nothing is known."""

PLACEHOLDERS: Final = {
    **{variable(name): SETTINGS[name].default for name in ("sink", "store")},
    variable("model_id"): UNKNOWN_MODEL,
}
"""Used in place of names that only the deployment knows."""

UNKNOWN: Final = "unknown-at-preview"
"""Stands for the value of a variable of the user's modules that is a secret or that only the deployment knows."""

START_TIMEOUT: Final = 60
"""Seconds. Lambda allows ten, but this machine may be slow."""

_ENVIRONMENT: Final = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Variables that Lambda sets. With them clients can be made, but no call can succeed."""


@dataclass(frozen=True)
class Report:
    """What is known of a function that starts."""

    body_limits: Mapping[str, int]
    """Bytes that the body of a request may have, by the name of its route."""
    warnings: Sequence[str] = ()


def try_function(bundle: Bundle, environment: Mapping[str, pulumi.Input[str]]) -> Report:
    """Start the function of ``bundle``, which is made for this machine, in a process of its own.

    The user's modules come first on its path, then the packages of the bundle; nothing of this program is on it.
    A start that succeeded is not repeated for the same bundle and variables: its report is kept.

    Args:
        bundle: what is started.
        environment: its variables; values that only the deployment knows are left out.

    Raises:
        InvalidArgument: it does not start, Bedrock would reject its schema, or one of the user's modules makes a client
            of a service that the bundle does not describe.
        BundleError: its packages cannot be collected for this machine.
    """
    variables = {**PLACEHOLDERS, **{name: text for name, text in environment.items() if isinstance(text, str)}}
    tried = bundle.cache / f"tried-{digest({'bundle': bundle.digest(), 'program': PROGRAM.read_bytes(), **variables})}"
    if not tried.exists():
        with tempfile.TemporaryDirectory() as scratch, replacing(tried) as report_file:
            tree = Path(scratch) / "tree"
            bundle.stage(tree)
            path = f"{tree}{os.pathsep}{bundle.wheels.collect()}"
            message = missing_services(bundle)
            message = message or _start(path, variables, Path(scratch) / "error.txt", report_file)
            if message:
                raise InvalidArgument(_with_config_keys(message))
    report = json.loads(tried.read_text(encoding="utf-8"))
    return Report(report["bodyLimits"], [_with_config_keys(warning) for warning in report["warnings"]])


def models_of(routes: Iterable[str]) -> dict[str, str]:
    """Return the variable of the models of routes for the trial, where only the deployment knows which they are.

    Without it, the function would take the component's own model for theirs.
    """
    text = ",".join(f"{route}={UNKNOWN_MODEL}" for route in routes)
    return {route_variable("model_id"): text} if text else {}


def with_placeholders(variables: Mapping[str, pulumi.Input[str]]) -> dict[str, str]:
    """Return the variables of the user's modules for the trial, which sees no secret: modules only find the names."""
    return {name: value if isinstance(value, str) else UNKNOWN for name, value in variables.items()}


def _start(path: str, variables: Mapping[str, str], error_file: Path, report_file: Path) -> str | None:
    """Start the function with this Python path; return an error message, or None if it starts.

    If it starts, ``report_file`` contains its report.
    """
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": path, **_ENVIRONMENT, **variables}
    try:
        done = subprocess.run(  # noqa: S603 - the program above
            [sys.executable, "-P", "-s", "-S", PROGRAM, error_file, report_file],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        return f"The function did not start within {START_TIMEOUT} s: a module blocks while it is imported."
    if error_file.exists():
        return error_file.read_text(encoding="utf-8")
    return f"The function does not start:\n{done.stderr}" if done.returncode else None


def _with_config_keys(message: str) -> str:
    """Return the message with config keys in place of the function's variables, and those of a route in full."""
    named = re.sub(r"LLM_([A-Z_]+)", lambda found: camel(found[1].lower()), message)
    return re.sub(r"^Route ([a-z0-9-]+): (?=[a-z])", r"routes.\1.", named)
