"""The lines of the log: a child process for what is global, a log record for what is not."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from function.aws.logs import FormatByOrigin, JsonFormat, OwnCodeFormat, RunningRequest, TextFormat, redact
from function.version import SERVICE_VERSION

ROOT = Path(__file__).parents[2]
CANARY = "canary-7f3a"


def logged(program: str, **environment: str) -> tuple[str, str]:
    """Return what a program writes to stdout and stderr; the root logger is its own."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", dedent(program)],
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode(), done.stderr.decode()


def record_of(error: Exception) -> logging.LogRecord:
    record = logging.LogRecord("n", logging.ERROR, "p", 1, "bug", None, (type(error), error, None))
    record.aws_request_id = "req-1"
    return record


def trace_of(error: Exception) -> list[str]:
    """Return the parts of the line that the text format makes of ``error``."""
    return TextFormat().format(record_of(error)).split("\r")[1:]


def test_the_log_names_the_whole_chain_of_causes() -> None:
    """As Python would: a cause, or what was being handled unless it was put aside; a circle of causes ends."""
    inner, middle, outer = KeyError(CANARY), OSError(CANARY), ValueError(CANARY)
    outer.__cause__, middle.__context__, inner.__context__ = middle, inner, outer
    assert trace_of(outer) == ["ValueError", "caused by OSError", "caused by KeyError"]
    middle.__suppress_context__ = True
    assert trace_of(outer) == ["ValueError", "caused by OSError"]


def test_every_line_names_the_build() -> None:
    record = record_of(ValueError(CANARY))
    assert TextFormat().format(record).split("\r")[0].split("\t")[2:] == ["req-1", SERVICE_VERSION, "bug"]
    assert json.loads(JsonFormat().format(record))["service.version"] == SERVICE_VERSION


def test_lines_of_other_code_are_json_and_say_to_which_request_they_belong() -> None:
    """Those of the function stay text, of which one begins as AWS's own runtime begins it."""
    lines = {}
    for name in ("function.stream.stages", "function_of_a_team", "a.team", "root"):
        record = logging.LogRecord(name, logging.WARNING, "p", 1, "two\nlines", None, None)
        running = RunningRequest()
        running.begins("req-1", {"caller_id": "who"})
        assert running.filter(record)
        lines[name] = FormatByOrigin(TextFormat()).format(record)
    assert lines.pop("function.stream.stages").startswith("[WARNING]\t")
    for name, line in lines.items():
        document = json.loads(line)
        assert {document.pop(member) for member in ("timestamp", "service.version")}
        assert document == {
            "level": "WARNING",
            "message": "two\nlines",
            "logger": name,
            "requestId": "req-1",
            "request_id": "req-1",
            "caller_id": "who",
        }


def test_nothing_of_a_request_is_in_the_lines_of_the_next() -> None:
    """Nor is there an empty id in a line that no request led to, at start."""
    running, lines = RunningRequest(), []
    for begins in (None, ("req-1", {"caller_id": "who"}), ("req-2",)):
        record = logging.LogRecord("n", logging.WARNING, "p", 1, "m", None, None)
        if begins:
            running.begins(*begins)
        running.filter(record)
        lines.append(json.loads(OwnCodeFormat().format(record)))
    assert [line.get("request_id") for line in lines] == [None, "req-1", "req-2"]
    assert [line.get("caller_id") for line in lines] == [None, "who", None]


def test_an_exception_is_logged_without_its_message_in_json_too() -> None:
    line = JsonFormat().format(record_of(ValueError(CANARY)))
    assert (json.loads(line)["errorType"], json.loads(line)["stackTrace"]) == ("ValueError", ["ValueError"])
    assert CANARY not in line


LOG_A_BUG = f"""
    try:
        raise ValueError("{CANARY}")
    except ValueError:
        logging.exception("bug %s", 1)
"""


def test_a_root_logger_without_handlers_gets_one_that_writes_to_stderr() -> None:
    out, line = logged(f"""
    import logging, os
    from function.aws import logs
    logs.install(os.environ)
    logs.install(os.environ)
    logs.running.begins("req-1")
    {LOG_A_BUG}
    logging.info("below the level")
    """)
    assert out == ""
    document = json.loads(line)
    assert (document["level"], document["message"], document["request_id"]) == ("ERROR", "bug 1", "req-1")
    assert (document["stackTrace"][0], document["service.version"]) == ("ValueError", SERVICE_VERSION)
    assert line.count("\n") == 1
    assert CANARY not in line


def test_the_handlers_of_a_host_keep_their_formats_and_get_exceptions_without_messages() -> None:
    """AWS's own runtime installs a handler before it imports the function."""
    _, lines = logged(f"""
    import logging, os
    logging.basicConfig(format="host: %(message)s")
    from function.aws import logs
    logs.install(os.environ)
    {LOG_A_BUG}
    """)
    first, trace, *frames = lines.splitlines()
    assert (first, trace) == ("host: bug 1", "ValueError")
    assert [frame.lstrip().startswith("File ") for frame in frames] == [True]
    assert CANARY not in lines


def test_the_handlers_module_keeps_exceptions_out_of_the_log_of_any_host() -> None:
    """A host that knows nothing of the log need not: importing the handler is enough."""
    _, lines = logged(
        f"""
    import logging
    logging.basicConfig()
    import function.handler
    {LOG_A_BUG}
    """,
        AWS_DEFAULT_REGION="eu-west-1",
        AWS_EC2_METADATA_DISABLED="true",
    )
    assert "ERROR:root:bug 1\nValueError\n" in lines
    assert CANARY not in lines


@pytest.mark.parametrize(
    ("level", "expected"), [("", ["WARNING"]), ("INFO", ["INFO", "WARNING"]), ("LOUD", ["WARNING"])]
)
def test_the_level_is_what_lambda_sets(level: str, expected: list[str]) -> None:
    _, lines = logged(
        """
    import logging, os
    from function.aws import logs
    logs.install(os.environ)
    logging.info("x")
    logging.warning("x")
    """,
        AWS_LAMBDA_LOG_FORMAT="json",
        AWS_LAMBDA_LOG_LEVEL=level,
    )
    assert [json.loads(line)["level"] for line in lines.splitlines()] == expected


def test_a_format_of_a_host_gets_no_exception_to_quote() -> None:
    """The trace without messages is where formatters keep a trace that is written already."""
    record = record_of(ValueError(CANARY))
    assert redact(record)
    assert (record.exc_info, record.exc_text) == (None, "ValueError")


def test_a_record_without_an_exception_is_left_alone() -> None:
    record = logging.LogRecord("n", logging.ERROR, "p", 1, "bug", None, None)
    assert redact(record)
    assert record.exc_text is None


def test_what_is_printed_leaves_at_once() -> None:
    """No line waits in a buffer while the sandbox is frozen: the process ends here without flushing any."""
    out, _ = logged("""
    import os
    from function.aws import logs
    logs.install(os.environ)
    print("a line")
    os._exit(0)
    """)
    assert out == "a line\n"


@pytest.mark.parametrize("name", ["aws", "function", "runtime", "a", "function_aws", "root", "stages"])
def test_a_function_of_any_name_keeps_its_lines(name: str) -> None:
    """Those of the stages go to stdout with the name, and once; those of every other logger to stderr."""
    program = """
        import logging
        import function.handler

        for name in ("function.aws.runtime", "function.stream.stages", "function", "a.team.of.its.own"):
            logging.getLogger(name).warning("line of %s", name)
    """
    account = {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    out, err = logged(program, AWS_LAMBDA_FUNCTION_NAME=name, **account)

    [line] = [json.loads(line) for line in out.splitlines()]
    assert (line["message"], line["service"]) == ("function started", name)
    assert [line.rpartition("line of ")[2].partition('"')[0] for line in err.splitlines()] == [
        "function.aws.runtime",
        "function.stream.stages",
        "function",
        "a.team.of.its.own",
    ]
