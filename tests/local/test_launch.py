import io
import socket
from pathlib import Path

import pytest

from local.cli import Options, WrongOption
from local.launch import Listeners, launch
from local.resources import Resources
from local.terminal import Terminal


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home with an AWS profile, and the user's variables."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[profile work]\nregion = eu-north-1\n[profile empty]\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("SECRET", "not for the function")
    return tmp_path


def environ(options: Options) -> dict[str, str]:
    """Launch, and return the environment of the function."""
    with Resources() as resources:
        twin, sentence = launch(options, resources, Terminal(io.StringIO()))
        assert sentence == "Amazon Bedrock answers."
        return twin.function.deployment.environ("")


def test_the_real_bedrock_is_called_with_the_users_own_account(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No endpoint and no key of the local stack; region and profile are the user's."""
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    environment = environ(Options(real_bedrock=True))

    assert environment["AWS_PROFILE"] == "work"
    assert environment["AWS_DEFAULT_REGION"] == environment["AWS_REGION"] == "eu-central-1"
    assert environment["HOME"] == str(account)
    assert not environment.keys() & {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        "AWS_CONFIG_FILE",
        "SECRET",
    }


@pytest.mark.usefixtures("account")
def test_the_region_may_be_the_profiles() -> None:
    """The function finds it where the AWS tools do."""
    assert not environ(Options(real_bedrock=True)).keys() & {"AWS_REGION", "AWS_DEFAULT_REGION"}


@pytest.mark.usefixtures("account")
def test_a_missing_region_is_not_blamed_on_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "empty")

    with pytest.raises(WrongOption, match=r"^--bedrock aws requires a region: set AWS_REGION"):
        environ(Options(real_bedrock=True))


@pytest.mark.usefixtures("account")
def test_the_users_modules_lie_beside_the_function_as_in_a_bundle(tmp_path: Path) -> None:
    """The checkout itself stays as it is."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "mine.py").write_text("")

    with Resources() as resources:
        twin, _ = launch(Options(code=code, real_bedrock=True), resources, Terminal(io.StringIO()))
        root = twin.function.deployment.root

        assert {path.name for path in root.iterdir()} == {"bootstrap", "function", "mine.py", "streaming_llm_api"}
    assert not root.exists()


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import sys\nsys.exit(3)", "SystemExit: 3. Correct own/inner.py, line 2."),
        ("import os\nos._exit(3)", "its process ended with status 3. Look for the cause in own.outer."),
    ],
    ids=["raises", "ends the process"],
)
def test_an_error_of_the_users_modules_is_named_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "code" / "own").mkdir(parents=True)
    (tmp_path / "code" / "own" / "outer.py").write_text("from . import inner")
    (tmp_path / "code" / "own" / "inner.py").write_text(text)

    with pytest.raises(WrongOption) as caught:
        environ(Options(schema="own.outer:Answer", code=tmp_path / "code", real_bedrock=True))

    assert str(caught.value) == f"The function does not start: {expected}"


@pytest.mark.usefixtures("account")
def test_an_option_wins_over_the_variable_of_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_SCHEMA", "no_such_module:Class")

    environment = environ(Options(schema="function.schema:Answer", real_bedrock=True))

    assert environment["LLM_SCHEMA"] == "function.schema:Answer"


@pytest.mark.usefixtures("account")
def test_the_timeout_of_a_configuration_is_that_of_function_and_gateway(tmp_path: Path) -> None:
    """The gateway waits longer, as in AWS."""
    (tmp_path / "stack.yaml").write_text("timeout: 30\n")

    with Resources() as resources:
        options = Options(config=tmp_path / "stack.yaml", real_bedrock=True)
        twin, _ = launch(options, resources, Terminal(io.StringIO()))

        assert twin.function.deployment.timeout == 30
        assert twin.gateway.integration_timeout == 40


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("setting", "expected"), [(None, "PAGE"), ("none", "PAGE"), ("*", "*"), ("https://a", "https://a,PAGE")]
)
def test_the_page_is_an_allowed_origin_beside_those_of_the_user(
    monkeypatch: pytest.MonkeyPatch, setting: str | None, expected: str
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    if setting:
        monkeypatch.setenv("LLM_ALLOWED_ORIGINS", setting)

    with Resources() as resources:
        endpoint, page = (resources.hold(lambda: socket.create_server(("127.0.0.1", 0))) for _ in range(2))
        options, terminal = Options(real_bedrock=True), Terminal(io.StringIO())
        twin, _ = launch(options, resources, terminal, listeners=Listeners(endpoint, page))

        own = f"http://127.0.0.1:{page.getsockname()[1]}"
        assert twin.function.deployment.environment["LLM_ALLOWED_ORIGINS"] == expected.replace("PAGE", own)
