from pathlib import Path

import pytest

from local.cli import Options, parse_options, port_number, shared_parser


def read(*arguments: str) -> Options:
    return parse_options(shared_parser("program", "What it is for."), arguments)


def test_options_are_read_from_the_command_line(tmp_path: Path) -> None:
    options = read("--schema", "a:B", "--code", str(tmp_path), "--model-url", "http://h:1/v1", "--model", "m")

    assert options == Options(schema="a:B", code=tmp_path, model_url="http://h:1/v1", model="m")
    assert read("--config", "a.yaml") == Options(config=Path("a.yaml"))
    assert read("--bedrock", "aws") == Options(real_bedrock=True)
    assert read() == Options()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "m"], "--model requires --model-url"),
        (["--model-url", "http://h/v1", "--bedrock", "aws"], "choose one"),
        (["--model-url", "h/v1"], "must be the base URL"),
        (["--model-url", "ftp://h/v1"], "must be the base URL"),
        (["--model-url", "http://h:99999/v1"], "must be the base URL"),
        (["--model-url", "http://h/ v1"], "must be the base URL"),
        (["--code", "/nowhere"], "must be a folder"),
        (["--sch", "a:B"], "unrecognized arguments"),
    ],
)
def test_a_command_line_that_cannot_be_used_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    with pytest.raises(SystemExit) as end:
        read(*arguments)

    [line] = capsys.readouterr().err.splitlines()
    assert words in line
    assert end.value.code == 2


@pytest.mark.parametrize("name", ["function", "function.py", "bootstrap", "streaming_llm_api"])
def test_a_folder_with_a_reserved_name_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    """It would take the place of the function itself."""
    (tmp_path / name).mkdir()

    with pytest.raises(SystemExit):
        read("--code", str(tmp_path))

    assert f"must not contain a file or folder named {name!r}" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "expected"), [("1", 1), ("65535", 65535)])
def test_a_port_is_a_number_in_its_range(text: str, expected: int) -> None:
    assert port_number(text) == expected
