"""The function is started once at preview, with the stack's own modules: a typo is a sentence, no broken endpoint."""

import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest

from components import InvalidArgument, StreamingLlmApi, StreamingLlmApiArgs
from components.bundle import Bundle, Target
from components.trial.trial import UNKNOWN, try_function
from tests.components.options_table import TOPIC
from tests.components.own_code import OwnCode
from tests.components.recording import SECRET, SECRET_KIND, Declared, declare

Deploy = Callable[..., Declared]
HAIKU = "global.anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.fixture
def deploy(tmp_path: Path) -> Deploy:
    """Declare an endpoint whose module ``schemas`` has this text."""

    def declared(text: str, **args: Any) -> Declared:
        (tmp_path / "schemas.py").write_text(textwrap.dedent(text))
        given = cast("StreamingLlmApiArgs", {"code": str(tmp_path), "schema": "schemas:Invoice", **args})
        return declare(lambda: StreamingLlmApi("llm", given))

    return declared


def test_a_schema_of_ones_own_is_bundled_and_named(deploy: Deploy) -> None:
    declared = deploy(
        """
        from pydantic import BaseModel
        class Invoice(BaseModel):
            number: str
        """,
    )
    assert declared.one("Function").inputs["environment"]["variables"]["LLM_SCHEMA"] == "schemas:Invoice"


MANY = "\n    ".join(f"f{number}: str | None" for number in range(17))
OPTIONAL = "\n    ".join(f"f{number}: str = ''" for number in range(25))

WRONG_EXAMPLE = "class Question(BaseModel, json_schema_extra={'examples': [{}]}):\n    prompt: str"
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("class Invoces: pass", {}, r"schema must name .*; got 'schemas:Invoice' \(.*has no attribute 'Invoice'\)"),
    ("from pydantc import BaseModel", {}, r"schema must name .*; got 'schemas:Invoice' \(No module named 'pydantc'\)"),
    ("import requests", {}, r"schema must name .*; got 'schemas:Invoice' \(No module named 'requests'\)"),
    ("class Invoice(BaseModel): pass", {}, r"schemas\.py:1: NameError: name 'BaseModel' is not defined"),
    ("class Invoice(BaseModel) pass", {}, r"code: schemas\.py: "),
    ("Invoice = object()", {}, r"schema"),
    (
        "from pydantic import BaseModel\nclass Invoice(BaseModel):\n    parts: list['Invoice']",
        {},
        r"schema: Invoice contains itself, .* Change it, or set structuredOutput to prompt or tool\.$",
    ),
    (
        "from pydantic import BaseModel\nclass Invoice(BaseModel):\n    parts: dict[str, str]",
        {},
        r"schema: /properties/parts is a dictionary with free keys",
    ),
    (
        f"from pydantic import BaseModel\nclass Invoice(BaseModel):\n    {MANY}",
        {"structured_output": "native"},
        r"structuredOutput cannot be native with this schema: it has 17 unions, and structured output accepts 16",
    ),
    (
        f"from pydantic import BaseModel\nclass Invoice(BaseModel):\n    {OPTIONAL}",
        {"structured_output": "native"},
        r"structuredOutput cannot be native .*: it has 25 optional fields, and structured output accepts 24",
    ),
    (
        "from pydantic import BaseModel\nclass Invoice(BaseModel): ...\nclass Question(BaseModel):\n    text: str",
        {"request": "schemas:Question"},
        r"request must name a Pydantic class with a field or a property `prompt`; got 'schemas:Question'",
    ),
    (
        f"from pydantic import BaseModel\nclass Invoice(BaseModel): ...\n{WRONG_EXAMPLE}",
        {"request": "schemas:Question"},
        r"^request: the first example of schemas:Question is not a valid request: /prompt: Field required\. Correct it",
    ),
    (
        "from pydantic import BaseModel\nclass Invoice(BaseModel):\n    a: str",
        {"instructions": "schemas:INSTRUCTIONS"},
        r"instructions must name a string; got 'schemas:INSTRUCTIONS'",
    ),
    (
        "from pydantic import BaseModel\nclass Invoice(BaseModel):\n    a: str",
        {"temperature": 0.5, "model_id": "global.anthropic.claude-opus-5"},
        r"temperature must be none: global\.anthropic\.claude-opus-5 does not accept a temperature",
    ),
]


@pytest.mark.parametrize(("text", "args", "message"), BAD)
def test_what_would_fail_in_the_function_fails_the_preview(
    deploy: Deploy,
    text: str,
    args: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(InvalidArgument, match=message) as caught:
        deploy(text, **args)
    assert "LLM_" not in str(caught.value)
    assert "Traceback" not in str(caught.value)


LISTS = "\n    ".join(f"f{number}: list[int | str]" for number in range(17))


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (MANY, "it has 17 unions, and structured output accepts 16"),
        (LISTS, "it has 17 unions, and structured output accepts 16"),
        (OPTIONAL, "it has 25 optional fields, and structured output accepts 24"),
    ],
)
def test_a_schema_that_is_too_complex_is_sent_in_the_instructions_and_every_preview_warns(
    deploy: Deploy, members: str, reason: str
) -> None:
    """The second preview does not start the function again; it repeats what the first one found."""
    text = f"from pydantic import BaseModel\nclass Invoice(BaseModel):\n    {members}"
    warning = f"schema: {reason}. The schema is sent in the instructions, because structuredOutput is auto."

    for _ in range(2):
        declared = deploy(text, authorization="iam")
        assert declared.of("Function")
        assert declared.warnings() == [warning]
    assert deploy(text, authorization="iam", structured_output="prompt").warnings() == []


def test_a_schema_with_hidden_fields_is_named_at_preview(deploy: Deploy) -> None:
    """Clients of such a stack cannot read raw text."""
    text = "from pydantic import BaseModel, Field\nclass Invoice(BaseModel):\n    note: str = Field(exclude=True)"

    [warning] = deploy(text, authorization="iam").warnings()

    assert warning.startswith("schema: it has hidden fields")
    assert "text/plain" in warning


@pytest.mark.parametrize("structured_output", ["prompt", "tool"])
def test_a_schema_that_is_not_compiled_may_be_any(deploy: Deploy, structured_output: str) -> None:
    recursive = "from pydantic import BaseModel\nclass Invoice(BaseModel):\n    parts: list['Invoice']"
    assert deploy(recursive, structured_output=structured_output).of("Function")


OPUS_4_6, OPUS_5_5 = "global.anthropic.claude-opus-4-6-v1", "global.anthropic.claude-opus-5-5"


@pytest.mark.parametrize(
    ("models", "characters", "tokens"),
    [([HAIKU, OPUS_4_6], 4 * 4096 - 900, r"3,9\d\d"), ([OPUS_5_5], 3 * 512 - 100, None)],
)
def test_instructions_that_are_too_short_to_be_cached_are_named_with_both_numbers(
    deploy: Deploy, models: list[str], characters: int, tokens: str | None
) -> None:
    """The schema has some 300 characters more. A token of the newest model has three, and its minimum is smaller."""
    text = f"""
        from pydantic import BaseModel
        class Invoice(BaseModel):
            number: str
        INSTRUCTIONS = "a" * {characters}
        """
    called = {"model_id": models[0], "fallback_models": models[1:]}
    declared = deploy(text, authorization="iam", instructions="schemas:INSTRUCTIONS", cache="5m", **called)
    found = declared.warnings()

    assert len(found) == (len(models) if tokens else 0)
    for model, warning in zip(models, found, strict=False):
        assert re.match(
            rf"cache: the instructions and the schema have an estimated {tokens} tokens, and {model}", warning
        )
        assert "caches nothing below 4,096: a request costs as much as without cache." in warning


def test_of_a_model_that_only_the_deployment_knows_nothing_is_refused(deploy: Deploy) -> None:
    """Neither of the stack's nor of a route's: it is not taken for the default model, which takes no effort."""
    profile = pulumi.Output.from_input("arn:aws:bedrock:eu-central-1:1:application-inference-profile/a")
    regions = ["eu-central-1"]
    declared = deploy(
        "from pydantic import BaseModel\nclass Invoice(BaseModel):\n    number: str",
        authorization="iam",
        model_id=profile,
        model_regions=regions,
        effort="low",
        cache="1h",
        routes={"a": {}, "b": {"model_id": profile, "model_regions": regions, "thinking": "on"}},
    )
    assert declared.warnings() == []


STAGES = """
from pydantic import BaseModel
from streaming_llm_api.endpoint import Record
class Invoice(BaseModel):
    number: str
def span(record: Record) -> None:
    raise AssertionError
def other(record: Record, more: object) -> None: ...
"""


def test_stages_of_ones_own_are_imported_and_not_called(deploy: Deploy) -> None:
    declared = deploy(STAGES, stages=["schemas:span"], stage_timeout=1.5, stage_content=True, alarm_topic=TOPIC)
    variables = declared.one("Function").inputs["environment"]["variables"]
    assert {name: text for name, text in variables.items() if name.startswith("LLM_STAGE")} == {
        "LLM_STAGES": "schemas:span",
        "LLM_STAGE_TIMEOUT": "1.5",
        "LLM_STAGE_CONTENT": "true",
    }
    alarm = declared.one("MetricAlarm", "-duration").inputs
    assert alarm["threshold"] == round((120 - 10 - 1.5) * 0.9 * 1000)


@pytest.mark.parametrize("name", ["other", "no_such", "Invoice"])
def test_what_is_no_stage_fails_the_preview(deploy: Deploy, name: str) -> None:
    expected = rf"^stages must name a function with one parameter; got 'schemas:{name}'"
    with pytest.raises(InvalidArgument, match=expected):
        deploy(STAGES, stages=[f"schemas:{name}"])


PREPARE = """
from pydantic import BaseModel
from streaming_llm_api.endpoint import Call, Prompt
class Invoice(BaseModel):
    number: str
class Question(BaseModel):
    question: str
def ask(request: Question, call: Call) -> Prompt:
    raise AssertionError
def other(request: Question) -> Prompt: ...
"""


def test_prepare_is_imported_and_not_called_and_the_request_needs_no_prompt(deploy: Deploy) -> None:
    declared = deploy(PREPARE, request="schemas:Question", prepare="schemas:ask", prepare_timeout=2.5)
    variables = declared.one("Function").inputs["environment"]["variables"]
    assert {name: text for name, text in variables.items() if name.startswith("LLM_PREPARE")} == {
        "LLM_PREPARE": "schemas:ask",
        "LLM_PREPARE_TIMEOUT": "2.5",
    }


@pytest.mark.parametrize("name", ["other", "no_such", "Invoice"])
def test_what_is_no_prepare_fails_the_preview(deploy: Deploy, name: str) -> None:
    expected = rf"^prepare must name a function with two positional parameters; got 'schemas:{name}'"
    with pytest.raises(InvalidArgument, match=expected):
        deploy(PREPARE, request="schemas:Question", prepare=f"schemas:{name}")


def test_the_preview_counts_with_the_limit_of_a_body_that_the_function_takes(deploy: Deploy) -> None:
    """4 bytes are a token; the second preview does not start the function again."""
    text = """
        from pydantic import BaseModel
        from streaming_llm_api.endpoint import Document
        class Invoice(BaseModel):
            number: str
        class Question(BaseModel):
            prompt: str
            file: Document
        """
    cases: list[tuple[dict[str, Any], int]] = [
        ({}, 86_400 * 65_536 // 4),
        ({"request": "schemas:Question"}, 86_400 * 6_000_000 // 4),
        ({"request": "schemas:Question"}, 86_400 * 6_000_000 // 4),
        ({"request": "schemas:Question", "body_limit": 4000}, 86_400 * 1000),
    ]
    for args, tokens in cases:
        declared = deploy(text, **args)
        [warning] = declared.warnings()
        assert f"{tokens:,} input tokens" in warning
        variables = declared.one("Function").inputs["environment"]["variables"]
        assert variables.get("LLM_BODY_LIMIT") == (str(args["body_limit"]) if "body_limit" in args else None)


def test_packages_of_the_program_are_none_of_the_functions(deploy: Deploy) -> None:
    """What the Pulumi program has installed is not on the path: Lambda will not have it either."""
    with pytest.raises(InvalidArgument, match="No module named 'pulumi'"):
        deploy("import pulumi")


def test_a_service_that_a_module_calls_and_the_bundle_does_not_describe_fails_the_preview(deploy: Deploy) -> None:
    """By the source where it names the service, else by the start of the function, with the line that needs it."""
    text = "import boto3\nfrom pydantic import BaseModel\nclass Invoice(BaseModel):\n    number: str\n"
    with pytest.raises(InvalidArgument, match=r"^services must contain .*; add s3 \(schemas\.py:5\)\.$"):
        deploy(f"{text}def read(): return boto3.client('s3')")
    with pytest.raises(InvalidArgument, match=r"schemas\.py:6: ServiceNotDescribed: the bundle does not .* services$"):
        deploy(f"{text}name = 's3'\nboto3.client(name)")
    function = deploy(f"{text}def read(): return boto3.client('sns')", services=["sns"]).one("Function")
    assert function.inputs["environment"]["variables"]["LLM_SERVICES"] == "sns"


def test_packages_that_are_required_are_there(own_code: OwnCode, cache: Path) -> None:
    environment = {
        "LLM_SCHEMA": "schemas:Invoice",
        "LLM_REQUEST": "schemas:Question",
        "LLM_INSTRUCTIONS": "schemas:INSTRUCTIONS",
    }
    try_function(Bundle(Target.host(), cache, own_code.folder, own_code.requirements, own_code.report), environment)


def test_own_variables_are_there_in_the_trial_and_no_secret_is(deploy: Deploy, tmp_path: Path) -> None:
    """A module can read a name while it is imported; what is secret or unknown has a placeholder."""
    text = f"""
        import json, os
        from pathlib import Path
        from pydantic import BaseModel
        class Invoice(BaseModel):
            number: str
        Path({str(tmp_path / "seen.json")!r}).write_text(json.dumps([os.environ[name] for name in ("A", "B", "C")]))
        """
    topic = pulumi.Output.from_input("known later")
    declared = deploy(text, environment={"A": "plain", "B": pulumi.Output.secret("canary"), "C": topic})

    assert json.loads((tmp_path / "seen.json").read_text()) == ["plain", UNKNOWN, UNKNOWN]
    assert UNKNOWN == "unknown-at-preview"
    variables = declared.one("Function").request.object["environment"]["variables"]
    assert (variables["A"], variables["C"]) == ("plain", "known later")
    assert dict(variables["B"].items()) == {SECRET: SECRET_KIND, "value": "canary"}


def test_two_endpoints_may_both_have_a_module_of_the_same_name(tmp_path: Path) -> None:
    for name, field in (("one", "number"), ("two", "total")):
        (tmp_path / name).mkdir()
        text = f"from pydantic import BaseModel\nclass Invoice(BaseModel):\n    {field}: str\n"
        (tmp_path / name / "schemas.py").write_text(text)

    def program() -> None:
        StreamingLlmApi("one", {"code": str(tmp_path / "one"), "schema": "schemas:Invoice"})
        StreamingLlmApi("two", {"code": str(tmp_path / "two"), "schema": "schemas:Invoice"})

    one, two = (resource.inputs["code"].path for resource in declare(program).of("Function"))
    assert one != two


ROUTES = """
from pydantic import BaseModel, Field
from streaming_llm_api.endpoint import Document
class Invoice(BaseModel):
    number: str = Field(exclude=True)
class Ticket(BaseModel):
    prompt: str
    file: Document
class Triage(BaseModel):
    parts: list["Triage"]
"""


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (
            {"schema": "schemas:Invoce"},
            r"routes\.triage\.schema must name a Pydantic class .*; got 'schemas:Invoce' \(",
        ),
        ({"request": "schemas:Invoice"}, r"routes\.triage\.request must name a Pydantic class with "),
        ({"instructions": "schemas:Invoice"}, r"routes\.triage\.instructions must name a string; got"),
        (
            {"model_id": "anthropic.claude-opus-5-5", "temperature": 0.5},
            r"routes\.triage\.temperature must be none: anthropic\.claude-opus-5-5 does not accept",
        ),
        ({"schema": "schemas:Triage"}, r"routes\.triage\.schema: Triage contains itself, .* set structuredOutput to"),
        (
            {"schema": "broken:Answer"},
            r"routes\.triage\.schema, request, prepare, instructions or stages: broken\.py:1: ZeroDivisionError",
        ),
    ],
)
def test_a_mistake_in_a_route_fails_the_preview_and_names_the_route(
    deploy: Deploy, tmp_path: Path, own: dict[str, Any], message: str
) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(InvalidArgument, match=rf"^{message}"):
        deploy(ROUTES, routes={"invoice": {}, "triage": own})


def test_each_route_is_tried_and_its_warnings_name_it(deploy: Deploy) -> None:
    """The limit of a body is that of its own request class."""
    routes = {"invoice": {}, "triage": {"request": "schemas:Ticket", "schema": "function.schema:Answer"}}
    hidden, cost = deploy(ROUTES, routes=routes).warnings()
    assert hidden.startswith("routes.invoice.schema: it has hidden fields")
    assert f"{86_400 * (65_536 + 6_000_000) // 4:,} input tokens" in cost


def test_a_model_that_only_the_deployment_knows_is_not_taken_for_the_components(deploy: Deploy) -> None:
    """Of the component's own model is known that it accepts no temperature."""
    deploy(
        ROUTES,
        model_id="anthropic.claude-opus-5-5",
        routes={"invoice": {"model_id": pulumi.Output.from_input("anthropic.claude-sonnet-4-6"), "temperature": 0.5}},
    )
