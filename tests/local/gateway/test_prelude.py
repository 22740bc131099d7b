import pytest

from local.gateway.prelude import BadPrelude, Prelude, parse_prelude


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b"{}", Prelude(200, [("Content-Type", "application/json")])),
        (b'{"statusCode":201,"headers":{"Content-Type":"a/b"}}', Prelude(201, [("Content-Type", "a/b")])),
        (
            b'{"headers":{"X":"1","content-type":"a/b"},"multiValueHeaders":{"x":["2","3"]}}',
            Prelude(200, [("content-type", "a/b"), ("x", "2"), ("x", "3")]),
        ),
        (
            b'{"headers":{"content-type":"a/b"},"cookies":["a=1","b=2"]}',
            Prelude(200, [("content-type", "a/b"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]),
        ),
        (
            b'{"headers":{"content-type":"a/b","Server":"x","Transfer-Encoding":"chunked","Retry-After":5,"Y":true}}',
            Prelude(
                200, [("content-type", "a/b"), ("x-amzn-Remapped-Server", "x"), ("Retry-After", "5"), ("Y", "true")]
            ),
        ),
    ],
)
def test_a_prelude_becomes_status_and_fields(document: bytes, expected: Prelude) -> None:
    """All members are optional; of a name in both maps the many values stay; the gateway's own fields are renamed."""
    assert parse_prelude(document) == expected


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"nonsense",
        b'{"status":200}',
        b'{"statusCode":"200"}',
        b'{"statusCode":99}',
        b'{"headers":{"X":"a\\r\\nY: b"}}',
        b'{"headers":{"X":null}}',
        b'{"headers":[1]}',
        b'{"multiValueHeaders":{"X":1}}',
        b"\xff{}",
    ],
)
def test_what_is_no_prelude_is_refused(document: bytes) -> None:
    """No JSON object, unknown members, no status, fields that would split the message."""
    with pytest.raises(BadPrelude):
        parse_prelude(document)
