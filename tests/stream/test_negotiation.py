"""The choice between the formats."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.stream.encoders import Encoder, RawText
from function.stream.errors import NotAcceptable
from function.stream.negotiation import OFFERS, choose_format
from function.stream.record import Calls, Start
from tests.formats import FORMATS

START = Start("req-1", "model-1", 100, lambda: 412, 0.0, Calls())


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "text/plain; charset=utf-8"),
        ("", "text/plain; charset=utf-8"),
        ("*/*", "text/plain; charset=utf-8"),
        ("text/*", "text/plain; charset=utf-8"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("Text/Plain; Charset=UTF-8", "text/plain; charset=utf-8"),
        ("text/event-stream", "text/event-stream"),
        ("application/jsonl", "application/jsonl"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/json", "application/json"),
        ("application/ndjson", "application/ndjson"),
        ("application/jsonlines", "application/jsonlines"),
        ("application/json-lines", "application/json-lines"),
        ("application/ndjson; view=snapshot", "application/ndjson; view=snapshot"),
        ("application/*", "application/json"),
        ("application/*; view=snapshot", "application/jsonl; view=snapshot"),
        ("application/*, text/plain", "application/json"),
        ("application/json, text/event-stream", "application/json"),
        ("text/event-stream, application/json", "text/event-stream"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/json;q=0.5, text/plain;q=0.5, */*;q=0.1", "application/json"),
        ("application/json;q=0.5, text/plain", "text/plain; charset=utf-8"),
        ("image/png, application/x-ndjson, application/json, application/jsonl", "application/x-ndjson"),
        ("*/*, application/json", "text/plain; charset=utf-8"),
        ("text/html, application/xhtml+xml, */*", "text/plain; charset=utf-8"),
        ("application/json, text/javascript, */*; q=0.01", "application/json"),
        ("application/jsonl;q=0.5, application/json;q=0.5, application/jsonl", "application/jsonl"),
        ("application/json, application/json", "application/json"),
        ("text/*;q=0.5, application/jsonl;q=0.5, text/plain;q=0.5", "text/event-stream"),
        ("application/json, */*;q=0.1", "application/json"),
        ("*/*;q=0.5, text/*;q=0.5", "application/json"),
        ("text/*;q=0.5, */*;q=0.5", "text/plain; charset=utf-8"),
        ("text/*;q=0.4, */*;q=0.5", "application/json"),
        ("*/*;q=0.5, text/*;q=0.6", "text/plain; charset=utf-8"),
        ("*/*;q=0.5, text/plain;q=0.5", "text/event-stream"),
        ("application/*;q=0.2, */*;q=0.1", "application/json"),
        ("text/*;q=0, */*", "application/json"),
        ("*/*, text/*;q=0, application/json;q=0", "application/jsonl"),
        ("text/plain;q=0.001, image/*", "text/plain; charset=utf-8"),
        ("text/plain;format=flowed", "text/plain; charset=utf-8"),
        ("*/*;Q=0.3, application/json;Q=0.4", "application/json"),
        (" , application/json ,, ", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", "text/plain; charset=utf-8"),
        ("text/plain;q=0, */*", "text/event-stream"),
        ("text/html, application/json;q=0.9, */*;q=0.8", "application/json"),
        ("text/*;q=0.3, text/plain;q=0.7, application/json;q=0.5", "text/plain; charset=utf-8"),
        ("application/jsonl; view=snapshot", "application/jsonl; view=snapshot"),
        ('application/x-ndjson; VIEW="snapshot"', "application/x-ndjson; view=snapshot"),
        ("text/event-stream;view=snapshot;q=0.5, application/json;q=0.4", "text/event-stream; view=snapshot"),
        ("*/*; view=snapshot", "text/event-stream; view=snapshot"),
        ("application/jsonl; view=odd, application/json", "application/json"),
    ],
)
def test_the_client_gets_the_format_it_likes_best(accept: str | None, content_type: str) -> None:
    """Quality first, the closest range decides it (RFC 9110 §12.5.1); among equals the client's order, then ours."""
    chosen = choose_format(accept)

    assert chosen.content_type == content_type
    assert chosen.encoder(START).headers["Content-Type"] == content_type


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/jsonl; view=odd",
        "*/*;q=0",
        "text/plain;q=nonsense",
        "text/plain;q=nan",
        "application/json;q=2",
        "image/*",
        "text/plain;q=0, text/event-stream;q=0, application/*;q=0",
    ],
)
def test_nothing_that_fits_is_told(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        choose_format(accept)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/jsonl"),
        ("*/*", "application/jsonl"),
        ("text/plain, */*", "application/jsonl"),
        ("text/*", "text/event-stream"),
        ("*/*;q=0.5, text/*;q=0.5", "application/jsonl"),
        ("text/*;q=0.5, */*;q=0.5", "text/event-stream"),
        ("application/*", "application/json"),
        ("*/*, text/event-stream;q=0.9", "application/jsonl"),
        ("text/plain, application/json;q=0.1", "application/json"),
        ("*/*; view=snapshot", "application/jsonl; view=snapshot"),
    ],
)
def test_where_raw_text_is_not_offered_any_format_is_json_lines(accept: str | None, content_type: str) -> None:
    assert choose_format(accept, offer_raw_text=False).content_type == content_type


def test_raw_text_that_is_not_offered_is_refused_with_the_reason() -> None:
    with pytest.raises(NotAcceptable, match="hidden fields"):
        choose_format("text/plain", offer_raw_text=False)


@pytest.mark.parametrize("encoder", dict.fromkeys(type(offer.format.encoder(START)) for offer in OFFERS))
def test_a_refusal_names_a_media_type_of_every_format(encoder: type[Encoder]) -> None:
    media_types = {offer.media_type for offer in OFFERS if isinstance(offer.format.encoder(START), encoder)}
    for offer_raw_text in (True, False) if encoder is not RawText else (True,):
        with pytest.raises(NotAcceptable) as refusal:
            choose_format("text/html", offer_raw_text=offer_raw_text)
        assert media_types & set(re.findall(r"\w+/[\w-]+", str(refusal.value)))


def test_every_promise_is_tested_for_every_format() -> None:
    tested = {type(choose_format(accept).encoder(START)) for accept in FORMATS}

    assert tested == {type(offer.format.encoder(START)) for offer in OFFERS}


@given(st.text())
def test_any_accept_field_is_answered(accept: str) -> None:
    """Whatever a client sends: a format, or a refusal."""
    try:
        choose_format(accept)
    except NotAcceptable:
        return
