"""Which paths the gateway serves, from what the deployed function reads."""

import json
from pathlib import Path

import pytest

from local.client import Reply
from local.gateway.routes import routes
from local.lambda_.deployment import Deployment
from tests.local.gateway.serving import serving

ECHO = "answer(id, json.dumps([event['resource'], event['path'], event['requestContext']['path']]).encode())"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "routes.json"
    path.write_text('{"invoice": {}, "triage": {}}')
    return path


@pytest.mark.parametrize("variables", [{}, {"LLM_ROUTES": ""}, {"LLM_ROUTES": "none"}])
def test_without_a_file_there_is_one_route(variables: dict[str, str | None]) -> None:
    assert routes(Deployment(Path("/nowhere"), variables)) == ["stream"]


def test_a_name_is_one_in_the_folder_of_the_function(tmp_path: Path) -> None:
    (tmp_path / "function").mkdir()
    (tmp_path / "function" / "routes.json").write_text('{"stream": {}, "triage": {}}')

    assert routes(Deployment(tmp_path, {"LLM_ROUTES": "routes.json"})) == ["stream", "triage"]


def test_each_route_has_a_url_and_the_event_names_its_resource(tmp_path: Path, file: Path) -> None:
    with serving(tmp_path, ECHO, environment={"LLM_ROUTES": str(file)}) as gateway:
        urls = gateway.urls
        bodies = {}
        for name, url in urls.items():
            with Reply(url, b"{}") as reply:
                bodies[name] = json.loads(reply.body())

    assert list(urls) == ["invoice", "triage"]
    assert gateway.url == urls["invoice"]
    assert bodies["triage"] == ["/triage", "/triage", "/v1/triage"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/v1/stream", 403), ("GET", "/v1/triage", 403), ("OPTIONS", "/v1/triage", 204), ("POST", "/v1/x", 403)],
)
def test_other_paths_and_methods_never_reach_the_function(
    tmp_path: Path, file: Path, method: str, path: str, status: int
) -> None:
    with serving(tmp_path, ECHO, environment={"LLM_ROUTES": str(file)}) as gateway:
        with Reply(gateway.url.removesuffix("/v1/invoice") + path, b"", None, method) as reply:
            reply.body()
        assert not gateway.function.invocations

    assert reply.status == status
