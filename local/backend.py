"""What answers in the twin: the real Bedrock, a server that the user names, the embedded model, or a script."""

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .bedrock.server import Bedrock
from .journal import Journal
from .lambda_.deployment import Deployment
from .models.chat import Chat
from .models.download import NAME, prepare
from .models.embedded import Embedded
from .models.openai import ModelUnavailable
from .models.scripted import scripted
from .twin import CHECKOUT, Twin, task_root

OURS: Final = frozenset({"bootstrap", "function"})
"""What lies in a task root beside the user's modules."""
KEPT: Final = 1000
"""Moments of the journal: the twin may run for days."""
MODEL_FOLDER: Final = CHECKOUT / ".cache" / "model"
OWN_PREFIXES: Final = ("AWS_", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
"""What the function needs of the user's environment to call the real Bedrock."""
STAND_INS: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)
"""What the platform sets and must not set where a profile says it."""


class WrongOption(Exception):
    """An option of the command line cannot be used; the message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for on the command line."""

    schema: str | None
    code: Path | None
    model_url: str | None
    model: str | None
    real_bedrock: bool

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Wish":
        """Read the variables that make hands on.

        Raises:
            WrongOption: one cannot be used.
        """
        code = environment.get("CODE")
        if code and not Path(code).is_dir():
            raise WrongOption(f"CODE={code} is no folder.")
        if code and (taken := OURS & {path.name for path in Path(code).iterdir()}):
            raise WrongOption(f"CODE={code} has {min(taken)}, which is the name of something of ours.")
        bedrock = environment.get("BEDROCK") or None
        if bedrock not in {None, "aws"}:
            raise WrongOption(f"BEDROCK={bedrock} means nothing; it may be aws.")
        return cls(
            schema=environment.get("SCHEMA") or None,
            code=Path(code) if code else None,
            model_url=environment.get("MODEL_URL") or None,
            model=environment.get("MODEL") or None,
            real_bedrock=bedrock is not None,
        )


def start(
    wish: Wish,
    stack: ExitStack,
    report: Callable[[str], None],
    on_output: Callable[[str], None] = lambda _: None,
    listener: socket.socket | None = None,
) -> tuple[Twin, str]:
    """Start the twin as wished; ``stack`` ends it. Returns it, and a sentence on who answers.

    Raises:
        WrongOption: the wish cannot be fulfilled.
    """
    variables: dict[str, str | None] = {"POWERTOOLS_LOG_LEVEL": "DEBUG"}  # the store stage speaks at this level
    if wish.schema:
        variables["LLM_SCHEMA"] = wish.schema
    root = task_root(wish.code, stack) if wish.code else CHECKOUT
    if wish.real_bedrock:
        variables |= _own_account(os.environ)
        bedrock, who = None, "Amazon Bedrock answers."
    else:
        bedrock, who = _stand_in(wish, stack, report)
    variables |= {name: value for name, value in os.environ.items() if name.startswith("LLM_")}
    deployment, journal = Deployment(root, variables), Journal(limit=KEPT)
    twin = Twin(bedrock, deployment, on_output=on_output, listener=listener, journal=journal)
    return stack.enter_context(twin), who


def _own_account(environment: Mapping[str, str]) -> dict[str, str | None]:
    own = {name: value for name, value in environment.items() if name.startswith(OWN_PREFIXES)}
    region = environment.get("AWS_DEFAULT_REGION") or environment.get("AWS_REGION")
    return {**dict.fromkeys(STAND_INS), **own, "AWS_DEFAULT_REGION": region}


def _stand_in(wish: Wish, stack: ExitStack, report: Callable[[str], None]) -> tuple[Bedrock, str]:
    if wish.model_url:
        try:
            chat = Chat(wish.model_url, wish.model)
        except ModelUnavailable as error:
            raise WrongOption(f"MODEL_URL: {error}") from error
        return stack.enter_context(Bedrock(chat)), f"{chat.model} at {wish.model_url} answers."
    try:
        path = prepare(MODEL_FOLDER, report)
        report(f"Starting {NAME}")
        embedded = stack.enter_context(Embedded(path))
    except ModelUnavailable as error:
        return stack.enter_context(Bedrock(scripted)), f"{error} The answers are scripted ones."
    return stack.enter_context(Bedrock(embedded)), f"{NAME} answers, a small model on this machine."
