from contextlib import ExitStack
from pathlib import Path

import pytest

from local.backend import Wish, WrongOption, start


def test_a_wish_is_what_make_hands_on() -> None:
    """Empty variables are none."""
    wish = Wish.of({"SCHEMA": "a:B", "CODE": "", "MODEL_URL": "http://x/v1", "MODEL": "m", "BEDROCK": ""})

    assert wish == Wish(schema="a:B", code=None, model_url="http://x/v1", model="m", real_bedrock=False)


@pytest.mark.parametrize("variables", [{"CODE": "/nowhere"}, {"BEDROCK": "yes"}])
def test_a_wish_that_cannot_be_is_refused(variables: dict[str, str]) -> None:
    """Before anything is started."""
    with pytest.raises(WrongOption):
        Wish.of(variables)


def test_a_folder_with_a_name_of_ours_is_refused(tmp_path: Path) -> None:
    """It would take the function's place."""
    (tmp_path / "function").mkdir()

    with pytest.raises(WrongOption, match="has function"):
        Wish.of({"CODE": str(tmp_path)})


def test_the_real_bedrock_is_called_with_the_users_own_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """No endpoint of ours, no key of ours; region and profile are the user's."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("SECRET", "not for the function")

    with ExitStack() as stack:
        twin, who = start(Wish.of({"BEDROCK": "aws"}), stack, lambda _: None)
        environment = twin.function.deployment.environ("")

    assert who == "Amazon Bedrock answers."
    assert environment["AWS_PROFILE"] == "work"
    assert environment["AWS_DEFAULT_REGION"] == environment["AWS_REGION"] == "eu-central-1"
    assert environment["HOME"] == "/home/me"
    assert not environment.keys() & {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        "AWS_CONFIG_FILE",
        "SECRET",
    }


def test_the_users_modules_lie_beside_the_function_as_in_a_bundle(tmp_path: Path) -> None:
    """The checkout itself stays as it is."""
    (tmp_path / "mine.py").write_text("")

    with ExitStack() as stack:
        twin, _ = start(Wish(None, tmp_path, None, None, real_bedrock=True), stack, lambda _: None)
        root = twin.function.deployment.root

        assert {path.name for path in root.iterdir()} == {"bootstrap", "function", "mine.py"}
    assert not root.exists()
