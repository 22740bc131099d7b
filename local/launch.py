"""Starts the local stack with the user's options. A wrong option is reported before a model is loaded."""

import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .bedrock.call import Answerer
from .bedrock.server import Bedrock
from .cli import RESERVED_NAMES, Options, WrongOption
from .configuration import Configuration, read_configuration
from .gateway.cors import ORIGINS_VARIABLE, allowed_origins
from .journal import Journal
from .lambda_.deployment import Deployment
from .lambda_.function import StartFailed
from .models.chat import Chat, list_models
from .models.download import GEMMA, prepare
from .models.embedded import Embedded
from .models.openai import ModelUnavailable
from .models.scripted import scripted
from .resources import Resources
from .terminal import Terminal, printable
from .twin import CHECKOUT, Twin, routes_variable, task_root

JOURNAL_LIMIT: Final = 1000
"""Moments that the journal keeps: the local stack may run for days."""
CALLS_LIMIT: Final = 100
"""Calls that the local Bedrock keeps, with their requests of up to 25 MB."""
MODEL_FOLDER: Final = CHECKOUT / ".cache" / "model"
VARIABLE: Final = re.compile(r"LLM_[A-Z_]+")
"""A variable of a setting, in a message of the function."""
FRAME: Final = re.compile(r'  File "(.+)", line ([0-9]+)')
"""A line of a stack trace."""
OF_MODULES: Final = ("LLM_SCHEMA", "LLM_REQUEST", "LLM_INSTRUCTIONS", "LLM_PREPARE", "LLM_STAGES")
"""The variables that name something in the user's modules."""
PASSED_PREFIXES: Final = (
    "AWS_", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
"""Prefixes of the user's variables that the function needs to call the real Bedrock."""
ACCOUNT_VARIABLES: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)
"""The local Lambda sets these variables. For the real Bedrock they must come from the user's environment or profile."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """The sockets on which a local stack and its page listen."""

    endpoint: socket.socket
    page: socket.socket

    @property
    def page_origin(self) -> str:
        """The origin of the page."""
        return f"http://127.0.0.1:{self.page.getsockname()[1]}"


def launch(
    options: Options,
    resources: Resources,
    terminal: Terminal,
    on_output: Callable[[str], None] = lambda _: None,
    listeners: Listeners | None = None,
) -> tuple[Twin, str]:
    """Start the local stack, which ``resources`` will close; return it, and a sentence that names the model.

    It listens on the first of ``listeners``; the page on the other one can call it, beside the pages of the settings.

    Raises:
        WrongOption: an option or an ``LLM_…`` variable cannot be used.
    """
    configuration = read_configuration(options.config) if options.config else Configuration()
    for remark in configuration.remarks:
        terminal.line(remark)
    chat = _chat(options, terminal)
    bedrock = None if options.real_bedrock else resources.hold(lambda: Bedrock(limit=CALLS_LIMIT))
    code = options.code or configuration.code
    root = resources.hold(lambda: task_root(code)) if code else CHECKOUT
    variables = _variables(options, configuration, os.environ)
    variables = {**resources.hold(lambda: routes_variable(configuration.routes)), **variables}
    listener = None
    if listeners:
        listener = listeners.endpoint
        variables[ORIGINS_VARIABLE] = _with_origin(variables, listeners.page_origin)
    deployment = Deployment(root, variables, timeout=configuration.timeout)
    journal = Journal(limit=JOURNAL_LIMIT)
    twin = resources.hold(lambda: Twin(bedrock, deployment, on_output=on_output, listener=listener, journal=journal))
    with terminal.waiting("Starting the function", at_once=False):
        _start(twin, options, configuration)
    if bedrock is None:
        return twin, "Amazon Bedrock answers."
    if chat is not None:
        bedrock.answer = chat
        return twin, printable(f"{chat.model} at {options.model_url} answers.")
    bedrock.answer, sentence = _default_model(resources, terminal)
    return twin, sentence


def _variables(options: Options, configuration: Configuration, environment: Mapping[str, str]) -> dict[str, str | None]:
    variables: dict[str, str | None] = {"POWERTOOLS_LOG_LEVEL": "DEBUG"}  # the store stage logs at this level
    if options.real_bedrock:
        region = environment.get("AWS_DEFAULT_REGION") or environment.get("AWS_REGION")
        own = {name: value for name, value in environment.items() if name.startswith(PASSED_PREFIXES)}
        variables |= {**dict.fromkeys(ACCOUNT_VARIABLES), **own, "AWS_DEFAULT_REGION": region}
    variables |= configuration.variables
    variables |= {name: value for name, value in environment.items() if name.startswith("LLM_")}
    return {**variables, "LLM_SCHEMA": options.schema} if options.schema else variables


def _with_origin(variables: Mapping[str, str | None], origin: str) -> str:
    """Return the value of the variable with the allowed origins, and ``origin`` among them."""
    allowed = allowed_origins(variables)
    return ",".join(allowed if "*" in allowed else [*allowed, origin])


def _chat(options: Options, terminal: Terminal) -> Chat | None:
    if options.model_url is None:
        return None
    try:
        with terminal.waiting(f"Asking {options.model_url} for its models", at_once=False):
            names = list_models(options.model_url)
    except ModelUnavailable as error:
        raise WrongOption(f"--model-url: {error}") from error
    return Chat(options.model_url, options.model or names[0])


def _start(twin: Twin, options: Options, configuration: Configuration) -> None:
    """Start the first sandbox: a mistake in the user's code or in a setting shows here.

    Raises:
        WrongOption: it does not start.
    """
    try:
        twin.function.start()
    except StartFailed as failure:
        raise WrongOption(_advice(failure, options, configuration, twin.function.deployment)) from failure


def _advice(failure: StartFailed, options: Options, configuration: Configuration, deployment: Deployment) -> str:
    message = str(failure)
    if "NoRegionError" in failure.kind:
        return "--bedrock aws requires a region: set AWS_REGION, or a region in your AWS profile."
    found = VARIABLE.search(message)
    if not found:
        return f"The function does not start: {_error(failure)}. {_remedy(failure, deployment)}".rstrip()
    if found[0] == "LLM_SCHEMA" and options.schema:
        source, remedy = "--schema", "add --code with the folder that contains its module"
    elif (configuration.routes or found[0] in configuration.variables) and found[0] not in os.environ:
        source, remedy = f"--config {options.config}", "set code in this file to the folder that contains its module"
    else:
        return message
    if found[0] not in OF_MODULES:
        return f"{message} {source} sets {found[0]}."
    if code := options.code or configuration.code:
        remedy = f"its module was looked up in {code}"
    return f"{message} {source} sets {found[0]}; {remedy}."


def _error(failure: StartFailed) -> str:
    kind = failure.kind.removeprefix("Function.")
    return ": ".join(filter(None, (kind, str(failure).rstrip("."))))


def _remedy(failure: StartFailed, deployment: Deployment) -> str:
    """Return a sentence that names the innermost line of the user's modules, else the modules; none without any."""
    for line in reversed(failure.trace):
        frame = FRAME.match(line)
        if frame and Path(frame[1]).is_relative_to(deployment.root):
            file = Path(frame[1]).relative_to(deployment.root)
            if file.parts[0] not in RESERVED_NAMES:
                return f"Correct {file}, line {frame[2]}."
    modules = {value.partition(":")[0] for name in OF_MODULES if (value := deployment.environment.get(name))}
    return f"Look for the cause in {' and '.join(sorted(modules))}." if modules else ""


def _default_model(resources: Resources, terminal: Terminal) -> tuple[Answerer, str]:
    """Return the embedded model, or canned answers if it cannot run here; and a sentence that names it."""
    try:
        path = prepare(GEMMA, MODEL_FOLDER, resources, terminal)
        embedded = resources.hold(lambda: Embedded(path))
        with terminal.waiting(f"Loading {GEMMA.name}"):
            embedded.wait()
    except ModelUnavailable as error:
        return scripted, f"Canned answers are used: {error}"
    return embedded, f"{GEMMA.name} answers, a small model on this machine."
