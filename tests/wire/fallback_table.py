"""Which failures of a model are followed by another one, as rows of docs/fallback.md and as what a model does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from local.bedrock.script import Fail, Refuse, Stop
from tests.wire.chain import Script
from tests.wire.endings_table import BREAKS, ERROR_CODES, EXCEPTION_CODES, IN_STREAM_CODES

BEFORE: Final = ("before the headers", "at the headers")
"""Places before the answer begins."""
AFTER: Final = ("after reasoning", "after the first delta", "after a later delta", "after the last byte")
"""Places after that."""


@dataclass(frozen=True)
class Failure:
    """A row: what happens to a model before its answer begins."""

    what: str
    code: str
    """Of the problem that the client gets if no other model answers."""
    is_followed: bool
    """Whether another model is called."""
    refused: Mapping[str, Script]
    """What the service does in place of a stream."""
    broken: Mapping[str, Script]
    """What happens in its stream."""

    def row(self) -> list[str]:
        """Return the cells of docs/fallback.md."""
        return [self.what, f"`{self.code}`", "yes" if self.is_followed else "no"]


def _refused(*codes: str, **sentences: str) -> dict[str, Script]:
    return {
        **{code: [Refuse(code)] for code in codes},
        **{name: [Refuse("ValidationException", sentence)] for name, sentence in sentences.items()},
    }


def _in_stream(wanted: str) -> dict[str, Script]:
    breaks = {what: script for what, script in BREAKS.items() if IN_STREAM_CODES.get(what, "model_failed") == wanted}
    return {**breaks, **{kind: [Fail(kind)] for kind, code in EXCEPTION_CODES.items() if code == wanted}}


def _passing(what: str, code: str, **refused: Script) -> Failure:
    """Return the row of a failure that another model may not have: everything that Bedrock reports with this code."""
    errors = [error for error, (found, _) in ERROR_CODES.items() if found == code]
    return Failure(what, code, is_followed=True, refused={**_refused(*errors), **refused}, broken=_in_stream(code))


FAILURES: Final = (
    _passing("its requests or tokens of this minute are used up", "model_busy"),
    _passing(
        "it is unavailable or not ready yet, or there is no connection to it",
        "model_unavailable",
        cut=BREAKS["cut"],
        reset=BREAKS["reset"],
    ),
    _passing("it reports an error, or its stream is cut, damaged, malformed or without a stop", "model_failed"),
    _passing("it sends nothing for `fallbackAfter`, or for as long as Bedrock itself waits", "model_timeout"),
    Failure(
        "Bedrock refuses this model to the account: no access, unknown, legacy, data retention, on-demand throughput",
        "model_misconfigured",
        is_followed=True,
        refused={
            **_refused(
                "AccessDeniedException",
                "ResourceNotFoundException",
                on_demand="Invocation of model ID x with on-demand throughput isn\u2019t supported.",
                retention="data retention mode 'default' is not available for this model",
                form="You have not filled out the required use-case form",
            ),
            "legacy": [
                Refuse("ResourceNotFoundException", "Access denied. This Model is marked by provider as Legacy")
            ],
        },
        broken={},
    ),
    Failure(
        "Bedrock refuses the request or the credentials",
        "model_misconfigured",
        is_followed=False,
        refused=_refused(
            "ExpiredTokenException",
            "UnrecognizedClientException",
            "ValidationException",
            unknown_model="The provided model identifier is invalid.",
            temperature="The maximum tokens you requested exceeds the model limit of 8192.",
        ),
        broken=_in_stream("model_misconfigured"),
    ),
    Failure(
        "the prompt is too long for it",
        "prompt_too_long",
        is_followed=False,
        refused=_refused(too_long="Input is too long for requested model."),
        broken={"prompt too long": [Fail("validationException", "Input is too long for requested model.")]},
    ),
    Failure(
        "a quota of the day is used up",
        "quota_exhausted",
        is_followed=False,
        refused={"tokens per day": [Refuse("ThrottlingException", "Too many tokens per day, please wait.")]},
        broken={"tokens per day": [Fail("throttlingException", "Too many tokens per day")]},
    ),
    Failure(
        "it, or a guardrail, refuses to answer",
        "answer_refused",
        is_followed=False,
        refused={},
        broken={"refusal": [Stop("refusal")], "guardrail": [Stop("guardrail_intervened")]},
    ),
)
