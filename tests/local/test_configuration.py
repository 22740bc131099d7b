"""What the local stack takes of a stack's configuration: the same variables as the component makes of it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from components import StreamingLlmApiArgs
from components.contract import camel, named, variable
from components.keys import SHAPE
from components.parsing import checked, settings_with_an_argument
from local.cli import WrongOption
from local.configuration import Configuration, read_configuration
from tests.components.options_table import EVERY_SETTING, EVERYTHING, PROFILE

ROOT = Path(__file__).resolve().parents[2]
STACK = """\
encryptionsalt: v1:abc
config:
  aws:region: eu-central-1
  llm:maxTokens: "800"
  llm:captureContent: "true"
  llm:temperature: 0.2
  llm:allowedOrigins:
    - https://a.example
  llm:endpoint: edge
  llm:timeout: 30
  llm:environment:
    PRICES: prices
    TOKEN:
      secure: v1:def
  llm:logRetention: 3
  llm:dashboard: {}
  llm:sink: sns
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A place for a file."""
    return tmp_path / "Pulumi.dev.yaml"


def read(file: Path, text: str) -> Configuration:
    file.write_text(text)
    return read_configuration(file)


def test_a_stacks_own_file_will_do(file: Path) -> None:
    """Its texts are read as Pulumi passes them to a program; what only AWS has is named."""
    found = read(file, STACK)

    assert found.variables == {
        "LLM_MAX_TOKENS": "800",
        "LLM_CAPTURE_CONTENT": "true",
        "LLM_TEMPERATURE": "0.2",
        "LLM_ALLOWED_ORIGINS": "https://a.example",
        "LLM_FIRST_EVENT_TIMEOUT": "25",
        "PRICES": "prices",
    }
    assert found.timeout == 30
    assert found.remarks == (
        "Pulumi.dev.yaml: logRetention, dashboard and sink have no effect on this machine.",
        (
            "Pulumi.dev.yaml: environment.TOKEN is secure, which only Pulumi can decrypt; it is left out. "
            "To set such a value here, write it in plain text into a copy of the file."
        ),
    )


def test_the_stack_of_this_repository_is_one() -> None:
    found = read_configuration(ROOT / "Pulumi.dev.yaml")

    assert found.variables == {"LLM_CAPTURE_CONTENT": "true"}
    assert found.remarks == ("Pulumi.dev.yaml: logRetention and dashboard have no effect on this machine.",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain.yaml", "maxTokens: 800\nallowedOrigins: ['*']\n"),
        ("plain.json", '{"maxTokens": 800,\t"allowedOrigins": ["*"]}'),
        ("json.yaml", '{"maxTokens": 800, "allowedOrigins": ["*"]}'),
        ("block.json", '{"config": {"p:maxTokens": "800", "p:allowedOrigins": "[\\"*\\"]"}}'),
    ],
)
def test_keys_may_be_plain_and_the_file_json(tmp_path: Path, name: str, text: str) -> None:
    found = read(tmp_path / name, text)

    assert found == Configuration(variables={"LLM_MAX_TOKENS": "800", "LLM_ALLOWED_ORIGINS": "*"})


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "config: {}\n"])
def test_an_empty_file_changes_nothing(file: Path, text: str) -> None:
    assert read(file, text) == Configuration()


def _in_camel_case(value: object) -> object:
    if isinstance(value, Mapping):
        return {camel(name): _in_camel_case(inner) for name, inner in value.items()}
    return value


@pytest.mark.parametrize("args", [*EVERYTHING, EVERY_SETTING], ids=lambda args: "+".join(args)[:40])
def test_the_variables_are_those_that_the_component_sets(tmp_path: Path, args: StreamingLlmApiArgs) -> None:
    """Of every argument that is given, except where the other end is in AWS."""
    options = checked(args)
    names = set(args) & set(settings_with_an_argument()) | ({"first_event_timeout"} if "endpoint" in args else set())
    of_component = {variable(name): str(options.settings[name]) for name in names}
    given = {key: value for key, value in args.items() if key != "code"}
    of_routes = {name: dict(route.own) for name, route in options.routes.items()}

    found = read(tmp_path / "p.json", json.dumps(_in_camel_case(given)))

    assert found.variables == {**of_component, **args.get("environment", {})}
    assert found.routes == of_routes


@pytest.mark.parametrize(
    "args",
    [
        {"modelId": "anthropic.claude-opus-5"},
        {"modelId": "anthropic.claude-opus-5", "thinking": "off"},
        {"modelId": "anthropic.claude-opus-5", "timeout": 60},
        {"routes": {"deep": {"modelId": "anthropic.claude-opus-5"}, "fast": {}}},
        {"modelId": "anthropic.claude-opus-5", "routes": {"fast": {"modelId": "anthropic.claude-opus-4-8"}}},
        {"modelId": PROFILE, "modelRegions": ["eu-west-1"], "profileModel": "anthropic.claude-opus-5"},
        {
            "modelId": PROFILE,
            "modelRegions": ["eu-west-1"],
            "profileModel": "anthropic.claude-haiku-4-5",
            "routes": {"deep": {"modelId": "anthropic.claude-opus-5"}, "fast": {}},
        },
        {"fallbackModels": ["anthropic.claude-opus-5"]},
        {"fallbackModels": ["anthropic.claude-opus-5"], "routes": {"fast": {"fallbackModels": []}}},
        {"modelId": "anthropic.claude-haiku-5-5", "thinking": "off", "fallbackModels": ["anthropic.claude-opus-5-5"]},
    ],
)
def test_the_timeout_is_the_one_that_the_component_sets(tmp_path: Path, args: Mapping[str, Any]) -> None:
    of_component = checked(cast("StreamingLlmApiArgs", named(SHAPE, args, camel)))

    assert read(tmp_path / "p.json", json.dumps(args)).timeout == of_component.timeout


def test_the_folder_of_the_modules_is_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()

    assert read(tmp_path / "a.yaml", "code: modules\n").code == tmp_path / "modules"
    assert read(tmp_path / "a.yaml", f"code: {tmp_path / 'modules'}\n").code == tmp_path / "modules"


def test_the_project_is_that_of_the_file_beside_it(file: Path) -> None:
    """Other projects' keys, and those of providers, are not meant."""
    (file.parent / "Pulumi.yaml").write_text("name: mine\nruntime: yaml\n")

    found = read(file, "config:\n  mine:maxTokens: 5\n  gcp:project: p\n  theirs:maxTokens: 6\n")

    assert found == Configuration(variables={"LLM_MAX_TOKENS": "5"})


WRONG: list[tuple[str, str]] = [
    ("maxTokens: many\n", "maxTokens must be a whole number from 1 to 200000; got 'many'."),
    ("p:maxTokens: 0\n", "maxTokens must be a whole number from 1 to 200000; got 0."),
    ("maxToken: 5\n", "maxToken: there is no such argument. Did you mean maxTokens? docs/settings.md lists the"),
    ("max_tokens: 5\n", "max_tokens: there is no such argument. Did you mean maxTokens?"),
    (
        "dashboard: {inptuPrice: 1}\n",
        "dashboard.inptuPrice: there is no such argument. Did you mean dashboard.inputPrice? dashboard has inputPrice",
    ),
    ("allowedOrigins: https://a.example\n", "allowedOrigins must be a list: * alone, or origins"),
    ("captureContent: yes\n", "captureContent must be true or false; got 'yes'."),
    ("endpoint: global\n", "endpoint must be regional, private or edge; got 'global'."),
    ("timeout: 1000\n", "timeout must be a whole number from 5 to 890; got 1000."),
    ("timeout: true\n", "timeout must be a whole number from 5 to 890; got 'true'."),
    ("environment: {LLM_X: a}\n", "a name in environment must be letters, digits and underscores"),
    ("environment: {PORT: 5}\n", "environment must be an object whose values are texts; got {'PORT': 5}."),
    ("environment: A=5\n", "environment must be an object whose values are texts; got 'A=5'."),
    ("code: nowhere\n", "code must be a folder; got "),
    ("routes: {}\n", "routes must be an object with at least one name and its arguments; got {}."),
    ("routes: {Invoice: {}}\n", "a name in routes must be lower-case letters, digits and hyphens after a letter, "),
    ("routes: {invoice: }\n", "routes.invoice must be an object of arguments; got None."),
    ("routes: {invoice: {sink: log}}\n", "routes.invoice.sink: there is no such argument."),
    ("routes: {invoice: {maxTokens: 0}}\n", "routes.invoice.maxTokens must be a whole number from 1 to 200000; got 0."),
    ("maxTokens: 5\nmaxTokens: 6\n", 'must be YAML; line 2: found duplicate key "maxTokens"'),
    ("a: [1\n", "must be YAML; line 2: "),
    ("a: \x00\n", "must be YAML: "),
    ("- 1\n", "must contain an object of keys and values; got list."),
    ("config: 5\n", "config must be an object of keys and values; got 5."),
    ("config: {a:timeout: 5, b:timeout: 6}\n", "it has keys of a and b; keep those of one project."),
]


@pytest.mark.parametrize(("text", "words"), WRONG, ids=lambda value: value[:30])
def test_a_wrong_key_or_value_says_what_was_expected(file: Path, text: str, words: str) -> None:
    with pytest.raises(WrongOption, match=rf"^--config {re.escape(str(file))}: .*{re.escape(words)}"):
        read(file, text)


@pytest.mark.parametrize("content", [b'{"maxTokens": 5', b"\xff"])
def test_what_is_no_json_says_so(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(content)

    with pytest.raises(WrongOption, match=r"a\.json must be JSON: "):
        read_configuration(file)


def test_a_file_that_is_not_there_says_so(file: Path) -> None:
    with pytest.raises(WrongOption, match=r"the file cannot be read: No such file or directory\.$"):
        read_configuration(file)


def test_a_secure_value_at_any_depth_is_left_out(file: Path) -> None:
    text = (
        "modelId: {secure: a}\nenvironment: {A: {secure: b}, B: c}\nstatements: [{condition: {D: {e: {secure: f}}}}]\n"
    )
    found = read(file, text)

    assert found.variables == {"B": "c"}
    assert found.remarks[1].startswith(
        "Pulumi.dev.yaml: modelId, environment.A and statements[0].condition.D.e are secure"
    )


def test_of_a_route_only_what_the_function_knows_has_an_effect(file: Path) -> None:
    text = "routes: {invoice: {schema: 'desk:Invoice', maxTokens: 9, throttle: {rate: 1, burst: 1}}, triage: {}}\n"
    found = read(file, text)

    assert found.routes == {"invoice": {"schema": "desk:Invoice", "max_tokens": "9"}, "triage": {}}
    assert found.remarks == ("Pulumi.dev.yaml: routes.invoice.throttle has no effect on this machine.",)


@pytest.mark.parametrize(("sink", "store"), [("log", "none"), ("sns", "dynamodb"), ("sns:arn:aws:sns:x", "dynamodb:t")])
def test_nothing_is_published_or_kept_outside_this_machine(file: Path, sink: str, store: str) -> None:
    """Whatever the stack says."""
    found = read(file, json.dumps({"sink": sink, "store": store}))
    stays: Any = {} if store != "none" else {"LLM_SINK": "log", "LLM_STORE": "none"}

    assert found.variables == stays
