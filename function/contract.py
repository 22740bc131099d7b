"""The contract between the function and the stack that deploys it: settings, outcomes, limits and names.

Standard library only: the function reads this file at start, the component at preview, and the tables of the
documentation are made from it. A setting is declared once, as a field of ``Settings``; the name of its variable, its
default, its check and the words of its error message follow from there.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal, NamedTuple

VERSION: Final = "0.1.0"
"""The version of the whole project."""

HANDLER: Final = "function.handler.handle"
"""What Lambda calls, as ``_HANDLER`` names it."""

ROUTE: Final = "stream"
"""The one route of a stack that names none."""

STAGE: Final = "v1"
"""The stage of the API, with which the path of each route begins."""

ROUTE_NAME_LIMIT: Final = 31
"""Characters of a route's name."""

ROUTE_NAME: Final = rf"[a-z][a-z0-9-]{{0,{ROUTE_NAME_LIMIT - 1}}}"
"""The pattern of a route's name."""

ROUTES_FILE: Final = "routes.json"
"""The file beside this one in the bundle of a stack with routes: each route's settings, by its name."""

ROUTE_SETTINGS: Final = frozenset(
    {
        "model_id",
        "profile_model",
        "fallback_models",
        "fallback_after",
        "structured_output",
        "guardrail",
        "guardrail_streaming",
        "schema",
        "request",
        "prepare",
        "instructions",
        "cache",
        "temperature",
        "effort",
        "thinking",
        "show_thinking",
        "max_tokens",
        "body_limit",
        "max_attempts",
    }
)
"""The settings that a route can have of its own."""

ROUTE_VARIABLES: Final = ("model_id", "profile_model", "guardrail")
"""Settings of a route that can be outputs of other resources. Their values go into variables of the function, because
the bundle, with the file of routes, is made before the deployment knows them."""

DEFAULT_MODEL: Final = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
"""Any commercial region can call it, and it takes a temperature."""

METRICS_NAMESPACE: Final = "StreamingLlm"
"""CloudWatch's namespace of the function's own metrics."""

TABLE_KEY: Final = "id"
"""The hash key of the table of records: the request's id."""

TABLE_EXPIRY: Final = "expires"
"""The attribute of a record after which DynamoDB deletes it, in seconds since 1970."""

REQUEST_ID_HEADER: Final = "X-Request-Id"
"""Carries the id of the request on every response of the function."""

EXPOSED_HEADERS: Final = f"{REQUEST_ID_HEADER}, x-amzn-RequestId, Retry-After"
"""Header fields that a browser may show to the page that called (fetch.spec.whatwg.org, CORS protocol)."""

CALLER_FIELDS_LIMIT: Final = 4
"""How many facts about the caller logs and records can have."""

SERVICES: Final = ("bedrock-runtime", "dynamodb", "events", "firehose", "sns", "sts")
"""The AWS services that the function itself can call, by the names that boto3 gives them."""

SIGN_IN: Final = frozenset({"signin", "sso", "sso-oidc"})
"""With these services botocore signs in to a developer's account. The bundle has none of them."""

SINKS: Final = {"sns": "ARN", "eventbridge": "NAME", "firehose": "NAME"}
"""The kinds of sinks beside the log, each with what follows it in the setting ``sink``."""

MESSAGE_LIMIT: Final = 254 * 1024
"""Bytes of a record's message: the 256 KB of SNS, EventBridge and a line of the log, less what stands around it."""

BODY_LIMIT: Final = 65_536
"""Bytes of a body, if ``bodyLimit`` is not set and the request class has no field for a file."""
BODY_LIMIT_WITH_FILES: Final = 6_000_000
"""Bytes of a body, if the class has a field for a file, and the most that can be set: an event has at most 6 MB."""

OPTIONAL_FIELDS_LIMIT: Final = 24
UNION_FIELDS_LIMIT: Final = 16
"""How many optional fields and how many unions Bedrock's structured output accepts in one schema."""

DEFAULT_MAX_TOKENS: Final = 2_000
MAX_TOKENS_WITH_THINKING: Final = 8_000
"""The limit of thinking and answer together, in tokens, where ``maxTokens`` is not set."""
MOST_TOKENS: Final = 200_000
"""The highest such limit that can be set."""

DEFAULT_TIMEOUT: Final = 120
TIMEOUT_WITH_THINKING: Final = 300
"""The function's timeout in seconds, where ``timeout`` is not set."""

SHORTEST_TIMEOUT: Final = 5
LONGEST_TIMEOUT: Final = 890
"""Seconds: the gateway's limit of 900, less 10 for a cold start, during which the function's clock does not run."""

FIRST_EVENT_TIMEOUTS: Final = {"regional": 290, "private": 290, "edge": 25}
"""Seconds until the first byte by kind of endpoint: a little less than the gateway waits for a silent stream."""


FALLBACKS_LIMIT: Final = 3
"""How many other models can follow the first one."""

STAGES_LIMIT: Final = 8
"""How many own stages there can be."""


def margin(seconds: float, own_stages: float = 0.0) -> float:
    """Return how much of an invocation's remaining ``seconds`` is kept for the stages: 10, or a fifth of less.

    ``own_stages`` are the seconds that the user's own stages have beside that.
    """
    return min(10.0, seconds / 5) + own_stages


def caller_member(field: str) -> str:
    """Return the member of logs, records and Bedrock's request metadata that holds a field of the caller.

    ``claims.custom:tenant`` becomes ``caller_claims_custom_tenant``: such a name needs no quotes in a query.
    """
    return f"caller_{re.sub('[^A-Za-z0-9_]', '_', field)}"


class Outcome(StrEnum):
    """How a request ended."""

    COMPLETED = "completed"
    INVALID = "invalid"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEADLINE = "deadline"
    REJECTED = "rejected"


class Phase(StrEnum):
    """How far a request had come when it ended."""

    REQUEST = "request"
    """The function read and checked it."""
    PREPARE = "prepare"
    """Own code made the prompt."""
    MODEL = "model"
    """The model was called, and had written nothing of its answer."""
    ANSWER = "answer"
    """The model wrote."""


PUBLISHABLE_OUTCOMES: Final = tuple(outcome.value for outcome in Outcome if outcome is not Outcome.REJECTED)
"""Outcomes whose records can be published: a rejected request has none."""


class StructuredOutput(StrEnum):
    """How the schema reaches the model."""

    AUTO = "auto"
    NATIVE = "native"
    TOOL = "tool"
    PROMPT = "prompt"


class Effort(StrEnum):
    """How many tokens the model spends on an answer, from the fewest."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


class Thinking(StrEnum):
    """Whether the model thinks before it answers."""

    DEFAULT = "default"
    """As the model does if a request does not say."""
    ON = "on"
    OFF = "off"


class Cache(StrEnum):
    """How long the service keeps the cached part of a prompt after it was last read."""

    FIVE_MINUTES = "5m"
    ONE_HOUR = "1h"


class Authorization(StrEnum):
    """Who can call the endpoint."""

    NONE = "none"
    IAM = "iam"
    API_KEY = "apiKey"
    COGNITO = "cognito"
    LAMBDA = "lambda"


class GuardrailStreaming(StrEnum):
    """Whether text waits for the guardrail (sync) or is checked after it was sent (async)."""

    SYNC = "sync"
    ASYNC = "async"


class Guardrail(NamedTuple):
    """A Bedrock guardrail."""

    id: str
    version: str


class Destination(NamedTuple):
    """Where a stage sends the record: a kind, and a name or ARN if the kind has one."""

    kind: str
    name: str


Temperature = float | Literal["auto"] | None
"""A number to send; ``auto``: the function's own, to the models that are known to take one; or None for none."""


class SettingsError(ValueError):
    """A variable of the environment cannot be used; the message names it and says what was expected."""


class Setting(NamedTuple):
    """How one setting is read from the text of its variable."""

    default: str
    """The text that is used if the variable is missing or empty."""
    parse: Callable[[str], object]
    """Returns the value; raises ValueError for a text that is not one."""
    expected: str
    """The end of the error message "LLM_… must be …"."""
    stated: bool = True
    """Whether the stack sets the variable to the default. If not, it omits the variable, and the function decides."""


def _matching(pattern: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError
        return text

    return parse


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise ValueError
        return number

    return parse


def _number_between(least: int, most: int, default: str, unit: str = "") -> Setting:
    """Describe a whole number; ``unit`` is what the message says after these words, such as " of bytes"."""
    return Setting(default, _whole_number(least, most), f"a whole number{unit} from {least} to {most}")


def _body_limit(text: str) -> int | None:
    return None if text == "auto" else _whole_number(1, BODY_LIMIT_WITH_FILES)(text)


def _max_tokens(text: str) -> int | None:
    return None if text == "auto" else _whole_number(1, MOST_TOKENS)(text)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError
    return seconds


def _optional_seconds(text: str) -> float | None:
    return None if text == "none" else _seconds(text)


def _temperature(text: str) -> Temperature:
    if text == "none":
        return None
    if text == "auto":
        return "auto"
    temperature = float(text)
    if not 0 <= temperature <= 1:
        raise ValueError
    return temperature


def _effort(text: str) -> Effort | None:
    return None if text == "none" else Effort(text)


_MODEL: Final = _matching(r"[\w./:-]+")


def _model(text: str) -> str | None:
    return None if text == "none" else _MODEL(text)


def _fallback_models(text: str) -> tuple[str, ...]:
    models = tuple(_MODEL(word) for word in _words(text))
    if len(set(models)) < len(models) or len(models) > FALLBACKS_LIMIT:
        raise ValueError
    return models


def _fallback_after(text: str) -> float | None:
    seconds = _optional_seconds(text)
    if seconds is not None and seconds < 1:
        raise ValueError
    return seconds


def _cache(text: str) -> Cache | None:
    return None if text == "none" else Cache(text)


def _boolean(text: str) -> bool:
    return _matching("true|false")(text) == "true"


def _file(text: str) -> str | None:
    return None if text == "none" else _matching(r".+\.json")(text)


def _words(text: str) -> tuple[str, ...]:
    return () if text == "none" else tuple(word.strip() for word in text.split(","))


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(_matching(r"\*|https?://[^/\s,'\"$#@A-Z]+")(origin) for origin in _words(text))
    if "*" in origins and len(origins) > 1:
        raise ValueError
    return origins


def _outcomes(text: str) -> frozenset[str]:
    return frozenset(_matching("|".join(PUBLISHABLE_OUTCOMES))(outcome) for outcome in _words(text))


def _caller_fields(text: str) -> tuple[str, ...]:
    names = tuple(_matching(r"id|claims\.[^\s,]{1,100}")(field) for field in _words(text))
    if len(names) > CALLER_FIELDS_LIMIT or len({caller_member(name) for name in names}) < len(names):
        raise ValueError
    return names


def _guardrail(text: str) -> Guardrail | None:
    if text == "none":
        return None
    found = re.fullmatch(r"(.+):(DRAFT|\d+)", text)
    if not found:
        raise ValueError
    return Guardrail(found[1], found[2])


def _destination(text: str, *kinds: str) -> Destination:
    kind, _, name = text.partition(":")
    if not name:
        raise ValueError
    return Destination(_matching("|".join(kinds))(kind), name)


def _sink(text: str) -> Destination:
    return Destination("log", "") if text == "log" else _destination(text, *SINKS)


def _store(text: str) -> Destination | None:
    return None if text == "none" else _destination(text, "dynamodb")


_REFERENCE: Final = _matching(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def _optional_reference(text: str) -> str | None:
    return None if text == "none" else _REFERENCE(text)


def _references(text: str) -> tuple[str, ...]:
    references = tuple(_REFERENCE(reference) for reference in _words(text))
    if len(set(references)) < len(references) or len(references) > STAGES_LIMIT:
        raise ValueError
    return references


def _services(text: str) -> tuple[str, ...]:
    names = tuple(_matching(r"[a-z][a-z0-9-]*")(name) for name in _words(text))
    if len(set(names)) < len(names):
        raise ValueError
    return names


class Settings(NamedTuple):
    """What the stack decided, one field per variable. Times are seconds, sizes are bytes."""

    model_id: Annotated[str, Setting(DEFAULT_MODEL, str, "a model id")]
    profile_model: Annotated[str | None, Setting("none", _model, "none or the id of a model", stated=False)]
    """The model behind an application inference profile, whose ARN does not name it."""
    fallback_models: Annotated[
        tuple[str, ...],
        Setting("none", _fallback_models, f"none, or at most {FALLBACKS_LIMIT} different ids of models", stated=False),
    ]
    """The models that are asked after ``model_id``, in their order, if it fails before its answer begins."""
    fallback_after: Annotated[
        float | None, Setting("none", _fallback_after, "none or a number of seconds, at least 1", stated=False)
    ]
    """Seconds that a model has until the first frame of its stream, where another one follows; None: no limit."""
    structured_output: Annotated[StructuredOutput, Setting("auto", StructuredOutput, "auto, native, tool or prompt")]
    authorization: Annotated[Authorization, Setting("none", Authorization, "none, iam, apiKey, cognito or lambda")]
    caller_fields: Annotated[
        tuple[str, ...],
        Setting(
            "none",
            _caller_fields,
            f"none, or at most {CALLER_FIELDS_LIMIT} different names: id, or claims.NAME such as claims.custom:tenant",
            stated=False,
        ),
    ]
    """What log, record and the model's service are given of the caller."""
    guardrail: Annotated[Guardrail | None, Setting("none", _guardrail, "none or id:version", stated=False)]
    guardrail_streaming: Annotated[GuardrailStreaming, Setting("sync", GuardrailStreaming, "sync or async")]
    schema: Annotated[str, Setting("function.schema:Answer", _REFERENCE, "module:Class", stated=False)]
    request: Annotated[str, Setting("function.schema:Request", _REFERENCE, "module:Class", stated=False)]
    prepare: Annotated[str | None, Setting("none", _optional_reference, "none or module:function", stated=False)]
    """What makes the prompt of a request in place of its class."""
    prepare_timeout: Annotated[
        float | None, Setting("none", _optional_seconds, "none or a number of seconds above 0", stated=False)
    ]
    """Seconds for ``prepare``; None: all the time of the answer."""
    instructions: Annotated[str, Setting("function.schema:INSTRUCTIONS", _REFERENCE, "module:NAME", stated=False)]
    cache: Annotated[Cache | None, Setting("none", _cache, "none, 5m or 1h", stated=False)]
    """How long the instructions are cached."""
    temperature: Annotated[
        Temperature, Setting("auto", _temperature, "auto, none or a number from 0 to 1", stated=False)
    ]
    effort: Annotated[Effort | None, Setting("none", _effort, f"none or one of {', '.join(Effort)}", stated=False)]
    """None: the request says nothing of it."""
    thinking: Annotated[Thinking, Setting("default", Thinking, "default, on or off", stated=False)]
    show_thinking: Annotated[bool, Setting("false", _boolean, "true or false", stated=False)]
    """Whether the typed formats show a summary of the thinking."""
    max_tokens: Annotated[
        int | None, Setting("auto", _max_tokens, f"a whole number from 1 to {MOST_TOKENS}", stated=False)
    ]
    """None: the model decides (claude.py)."""
    body_limit: Annotated[
        int | None,
        Setting("auto", _body_limit, f"a whole number of bytes from 1 to {BODY_LIMIT_WITH_FILES}", stated=False),
    ]
    """None: the request class decides."""
    allowed_origins: Annotated[
        tuple[str, ...],
        Setting(
            "none",
            _origins,
            "none, * alone, or origins such as https://example.com (as browsers send them: lower case, no path)",
        ),
    ]
    start_padding: Annotated[int, _number_between(0, 1_000_000, "0", " of bytes")]
    capture_content: Annotated[bool, Setting("false", _boolean, "true or false")]
    publish_outcomes: Annotated[
        frozenset[str], Setting("completed", _outcomes, f"none or some of {', '.join(PUBLISHABLE_OUTCOMES)}")
    ]
    sink: Annotated[Destination, Setting("log", _sink, f"log or one of {', '.join(map(':'.join, SINKS.items()))}")]
    store: Annotated[Destination | None, Setting("none", _store, "none or dynamodb:TABLE")]
    max_attempts: Annotated[int, _number_between(1, 10, "1")]
    first_event_timeout: Annotated[
        float, Setting(str(FIRST_EVENT_TIMEOUTS["regional"]), _seconds, "a number of seconds above 0")
    ]
    """Seconds after the gateway received the request. If the model has written nothing by then, a request fails whose
    format cannot report an error later."""
    head_within: Annotated[float, Setting("10", _seconds, "a number of seconds above 0")]
    """Seconds after the gateway received the request. The other formats send their head by then, even if the model has
    written nothing; at most ``first_event_timeout``."""
    heartbeat: Annotated[float, Setting("3", _seconds, "a number of seconds above 0")]
    """Silence after which a heartbeat is sent: shorter than the 5 seconds after which httpx, by default, gives up."""
    stages: Annotated[
        tuple[str, ...],
        Setting(
            "none", _references, f"none, or at most {STAGES_LIMIT} different ones of module:function", stated=False
        ),
    ]
    stage_timeout: Annotated[float, Setting("2", _seconds, "a number of seconds above 0", stated=False)]
    """Seconds for all own stages together."""
    stage_content: Annotated[bool, Setting("false", _boolean, "true or false", stated=False)]
    services: Annotated[
        tuple[str, ...],
        Setting("none", _services, "none, or different names of AWS services, such as s3", stated=False),
    ]
    """What the user's modules can call beside ``SERVICES``."""
    routes: Annotated[str | None, Setting("none", _file, "none or the name of a file that ends in .json", stated=False)]
    """The file with the routes: an absolute path, or its name in the folder of the function."""

    @property
    def seconds_of_own_stages(self) -> float:
        """The seconds that are kept for own stages: none where there are none."""
        return self.stage_timeout if self.stages else 0.0


SETTINGS: Final[Mapping[str, Setting]] = {
    name: annotation.__metadata__[0]  # every field above is Annotated
    for name, annotation in Settings.__annotations__.items()
}
"""Every setting by name, in order."""


def variable(name: str) -> str:
    """Return the variable of the environment that holds the setting ``name``."""
    return f"LLM_{name.upper()}"


def resource(route: str) -> str:
    """Return the path of a route below the stage, as API Gateway calls it in ``resource``."""
    return f"/{route}"


def route_variable(name: str) -> str:
    """Return the variable with what the deployment alone knows of the setting ``name``: ``route=text,route=text``."""
    return f"LLM_ROUTE_{name.upper()}"


def parsed(name: str, text: str) -> object:
    """Return the value that ``text`` gives to the setting ``name``.

    Raises:
        SettingsError: the text is not a valid value of the setting.
    """
    setting = SETTINGS[name]
    try:
        return setting.parse(text)
    except ValueError:
        raise SettingsError(f"{variable(name)} must be {setting.expected}; got {text!r}.") from None


def as_text(value: object) -> str:
    """Return ``value`` as the text of a variable: commas separate the words of a list."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(str(word) for word in value) or "none"
    return str(value)


def read_settings(environment: Mapping[str, str], of_route: Mapping[str, str] | None = None) -> Settings:
    """Return the settings in ``environment``, and in their place those that a route has of its own, by their names.

    Raises:
        SettingsError: a variable has a value that cannot be used.
    """
    own = of_route or {}
    texts = {name: own.get(name) or environment.get(variable(name), "") or SETTINGS[name].default for name in SETTINGS}
    values: dict[str, object] = {name: parsed(name, text) for name, text in texts.items()}
    return Settings(**values)  # type: ignore[arg-type]  # each value comes from the parser beside the field's type
