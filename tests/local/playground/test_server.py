"""The server of the playground's page: what it serves, to whom, and with which protection."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from local.bedrock.call import Call
from local.bedrock.server import Bedrock
from local.client import Reply
from local.playground.server import FILES, TYPES, Example, Playground
from local.twin import Twin


@pytest.fixture
def page(twin: Twin) -> Iterator[Playground]:
    with Playground(twin, {"stream": Example('{"prompt": "Why?"}')}) as served:
        yield served


def get(page: Playground, path: str = "", headers: Mapping[str, str] | None = None, method: str = "GET") -> Reply:
    with Reply(page.url + path, b"", headers, method) as reply:
        reply.body()
    return reply


def text(reply: Reply) -> str:
    return b"".join(reply.taken).decode()


def choose(page: Playground, body: bytes, **headers: str) -> int:
    with Reply(f"{page.url}ending", body, {"Origin": page.url.rstrip("/"), **headers}) as reply:
        reply.body()
    return reply.status


def test_the_page_loads_files_of_its_own_alone(page: Playground) -> None:
    """Every file that one of them names is served, with a type that browsers accept; none is from elsewhere."""
    reply = get(page)
    waiting, seen = re.findall(r'(?:href|src)="([^"]+)"', text(reply)), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen or name == "data:,":
            continue
        seen.add(name)
        served = get(page, name)
        assert (served.status, "://" in name) == (200, False)
        assert served.headers["content-type"] == f"{TYPES[Path(name).suffix]}; charset=utf-8"
        waiting += re.findall(r'from "\./([^"]+)"', text(served))

    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert {f"/{name}" for name in seen} == FILES.keys() - {"/index.html"}


def test_every_response_has_a_content_security_policy(page: Playground) -> None:
    """No script but the page's own, nothing from elsewhere, and no frame around it."""
    for path in ("", "page.js", "endpoint.json", "nothing"):
        policy = set(get(page, path).headers["content-security-policy"].split("; "))

        assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"} <= policy


@pytest.mark.parametrize("host", ["playground.example", "127.0.0.1.example", "localhost.example:80", ""])
def test_a_host_that_is_not_this_machine_is_refused(page: Playground, host: str) -> None:
    """A page elsewhere could give its own name this machine's address, and read what the server says."""
    reply = get(page, "endpoint.json", {"Host": host})

    assert (reply.status, text(reply)) == (421, f"Open this page as {page.url}\n")


def test_another_name_of_this_machine_leads_to_the_allowed_origin(page: Playground) -> None:
    reply = get(page, headers={"Host": f"localhost:{page.url.rpartition(':')[2].rstrip('/')}"})

    assert (reply.status, reply.headers["location"]) == (307, page.url)


def test_the_page_learns_the_endpoints_and_the_endings(page: Playground, twin: Twin) -> None:
    described = json.loads(text(get(page, "endpoint.json")))

    assert described["routes"] == [{"name": "stream", "url": twin.url, "example": '{"prompt": "Why?"}', "remark": ""}]
    assert {"slow", "cut", "cut_cleanly"} <= described["endings"].keys()


def test_the_page_can_choose_an_ending(page: Playground, bedrock: Bedrock) -> None:
    call = Call("model", {"messages": []})

    assert choose(page, b'{"ending": "throttled"}') == 204
    assert [type(step).__name__ for step in bedrock.answer(call)] == ["Refuse"]
    assert choose(page, b'{"ending": "throttled"}') == choose(page, b'{"ending": null}') == 204
    assert "Fragment" in [type(step).__name__ for step in bedrock.answer(Call("model", {"messages": []}))]


@pytest.mark.parametrize(
    ("body", "origin", "status"),
    [
        (b'{"ending": "slow"}', "https://page.example", 403),
        (b'{"ending": "slow"}', "null", 403),
        (b'{"ending": "unknown"}', None, 422),
        (b'{"ending": ["slow"]}', None, 422),
        (b"[]", None, 422),
        (b"{", None, 422),
        (1001 * b" ", None, 413),
    ],
)
def test_another_page_or_a_wrong_request_chooses_nothing(
    page: Playground, body: bytes, origin: str | None, status: int
) -> None:
    assert choose(page, body, **({"Origin": origin} if origin else {})) == status


def test_without_a_stand_in_there_are_no_endings() -> None:
    """Amazon Bedrock ends an answer as it does."""
    with Twin(None) as twin, Playground(twin, {"stream": Example(None)}) as page:
        assert json.loads(text(get(page, "endpoint.json")))["endings"] == {}
        assert choose(page, b'{"ending": "slow"}') == 422


def test_what_is_not_the_pages_is_not_served(page: Playground) -> None:
    assert get(page, "server.py").status == get(page, "../twin.py").status == 404
    assert get(page, method="PUT").status == 405
