"""What _HANDLER names, or an error report that says why there is nothing to invoke."""

import pytest

from tests.aws.runtime.platform import Platform

START_FAILURES = {
    "no such module": ("Runtime.ImportModuleError", "nowhere", "", {"_HANDLER": "nowhere.handle"}),
    "a module without a dependency": ("Runtime.ImportModuleError", "absent", "import absent", {}),
    "a syntax error": ("Runtime.UserCodeSyntaxError", "users", "def", {}),
    "no such function": ("Runtime.HandlerNotFound", "nothing", "", {"_HANDLER": "users.nothing"}),
    "a name without a module": ("Runtime.MalformedHandlerName", "handle", "", {"_HANDLER": "handle"}),
    "wrong settings": (
        "Function.SettingsError",
        "LLM_TEMPERATURE",
        "class SettingsError(Exception): pass\nraise SettingsError('LLM_TEMPERATURE is hot')",
        {},
    ),
    "an exit": ("Function.SystemExit", "stop here", "raise SystemExit('stop here')", {}),
    "an interrupt": ("Function.KeyboardInterrupt", "stop here", "raise KeyboardInterrupt('stop here')", {}),
    "SnapStart": ("Runtime.Unsupported", "SnapStart", "", {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}),
    "managed instances": ("Runtime.Unsupported", "Managed Instances", "", {"AWS_LAMBDA_MAX_CONCURRENCY": "10"}),
}


@pytest.mark.parametrize(("kind", "words", "module", "environment"), START_FAILURES.values(), ids=START_FAILURES.keys())
def test_what_cannot_start_says_why_and_ends(
    platform: Platform, kind: str, words: str, module: str, environment: dict[str, str]
) -> None:
    """Lambda receives a report, nothing is invoked, and the log has one line that names the cause."""
    platform.start("yield b'1'", module=module, **environment)
    report = platform.accept("POST /2018-06-01/runtime/init/error")
    assert report.fields["Lambda-Runtime-Function-Error-Type"] == kind
    assert words in str(report.document()["errorMessage"])
    report.reply()
    assert platform.status() == 1
    assert words in platform.log
    assert platform.log.count("\n") == 1
