"""Conversations and documents on their way from the client to the model, through the whole chain."""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.bedrock.script import Fragment, Stop, Usage
from local.bedrock.server import Bedrock
from local.lambda_.deployment import Deployment
from local.twin import CHECKOUT, Twin
from tests.conversations import JSON, as_body, claims, encoded, nearly_valid, valid
from tests.formats import WHOLE
from tests.media_files import PDF, png
from tests.wire.chain import Chain
from tests.wire.claiming import MEASURE, PEAK
from tests.wire.endings_table import GOOD, VALUE

CLAIM: Final = {"LLM_REQUEST": "tests.wire.claiming:Claim"}


@pytest.fixture(scope="module")
def claiming() -> Iterator[Chain]:
    chain = Chain(Deployment(CHECKOUT, CLAIM, concurrency=1))
    chain.bedrock.play(GOOD)
    yield chain
    chain.close()


def test_files_arrive_as_they_were_and_are_encoded_once(claiming: Chain) -> None:
    """A file that is encoded twice is accepted by botocore and refused by the model."""
    paper = PDF + os.urandom(1_000)
    body = {"question": "Is it paid?", "photo": {"data": encoded(png())}, "papers": [{"data": encoded(paper)}]}
    seen = claiming.ask(accept=WHOLE, body=body)
    assert seen.document == VALUE
    content = seen.calls[0].body["messages"][0]["content"]
    assert b64decode(content[1]["document"]["source"]["bytes"], validate=True) == paper
    assert b64decode(content[2]["image"]["source"]["bytes"], validate=True) == png()
    assert content[1]["document"]["name"] == "document-1"
    assert seen.calls[0].body["requestMetadata"] == {"files": "2"}
    [(_, raw)] = claiming.bedrock.received[-1:]
    assert raw.count(b64encode(paper)) == 1


@settings(max_examples=40, deadline=None)
@given(st.one_of(nearly_valid(), valid().map(as_body), JSON, st.binary(max_size=40)))
def test_no_conversation_makes_the_default_function_fail(claiming: Chain, body: object) -> None:
    check_nothing_fails(claiming, body, "function.schema:Request")


@settings(max_examples=40, deadline=None)
@given(claims())
def test_no_file_makes_a_function_fail(claiming: Chain, body: object) -> None:
    check_nothing_fails(claiming, body, CLAIM["LLM_REQUEST"])


def check_nothing_fails(chain: Chain, body: object, request: str) -> None:
    chain.deploy(request=request)
    chain.bedrock.play(GOOD)
    refused = len(chain.bedrock.refusals)
    seen = chain.ask(accept=WHOLE, body=body if isinstance(body, bytes) else json.dumps(body).encode())
    assert seen.status == 200 or 400 <= seen.status < 500
    assert seen.log["outcome"] in {"completed", "rejected"}
    assert seen.log["level"] in {"INFO", "WARNING"}
    assert not [moment for moment in seen.moments if "Traceback" in moment.about]
    assert len(chain.bedrock.refusals) == refused


# --- Memory --------------------------------------------------------------------------------------------------------

DOCUMENT_SIZE: Final = 4_400_000
TIMES: Final = 6
"""How many times the size of the event a request with a document may need at its peak."""
BACK: Final = 1_000_000
"""Bytes that may be resident afterwards, beyond what was before: the heap grows by such steps."""


@pytest.mark.skipif(not PEAK.exists(), reason="only Linux measures the peak of a process")
@pytest.mark.parametrize("question", ["Is it paid?", "Is it paid? 🙂"], ids=["ascii", "emoji"])
def test_a_document_needs_little_more_memory_than_it_has_bytes(question: str) -> None:
    """Two attempts; with one emoji, the body as a text would have four bytes for each character."""
    paper = PDF + os.urandom(DOCUMENT_SIZE - len(PDF))
    body = {"question": question, "papers": [{"data": encoded(paper)}]}
    variables = {**CLAIM, "LLM_MAX_ATTEMPTS": "2"}
    with Bedrock() as bedrock, Twin(bedrock, Deployment(CHECKOUT, variables, concurrency=1)) as twin:
        bedrock.play(GOOD)
        before = measured(twin)
        bedrock.play([Fragment('{"summary": 5,'), Stop(), Usage(1, 2)], GOOD)
        with twin.post(json.dumps(body, ensure_ascii=False).encode(), WHOLE) as reply:
            assert reply.json() == VALUE
        twin.function.wait_until_idle()
        event = twin.function.invocations[-1].event
        after = measured(twin)
    assert len(bedrock.calls) == len([before, after]) + 2
    assert len(event) > DOCUMENT_SIZE
    assert after["peak"] - before["resident"] < TIMES * len(event)
    assert after["resident"] - before["resident"] < BACK


def measured(twin: Twin) -> dict[str, int]:
    """Return what the sandbox says of its memory while it reads a small request."""
    with twin.post({"question": MEASURE}, WHOLE) as reply:
        assert reply.json() == VALUE
    twin.function.wait_until_idle()
    lines = [json.loads(line) for line in twin.function.output if '"resident"' in line]
    memory: dict[str, int] = lines[-1]
    return memory
