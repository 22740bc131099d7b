"""The lock of the function's packages is fresh, complete and has hashes. It is written from an index on loopback."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import requires
from pathlib import Path
from threading import Thread

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.lock import JSON, NotLocked, lock
from tests.components.own_code import write_wheel

FUNCTION = Path(__file__).resolve().parents[2] / "function"
ENTRY = re.compile(r"^([\w.-]+)==(\S+)( ; [^\\\n]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)


def pins() -> dict[str, str]:
    return {name: version for name, version, _, _ in ENTRY.findall((FUNCTION / "requirements.lock").read_text())}


def direct() -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in (FUNCTION / "requirements.txt").read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def test_the_lock_is_fresh() -> None:
    """If this fails, run `make lock`: function/requirements.txt has changed."""
    assert {str(one) for one in direct()} <= {f"{name}=={version}" for name, version in pins().items()}


def test_the_lock_has_everything_that_the_direct_packages_need() -> None:
    """By the metadata of the installed packages."""
    waiting, seen = direct(), set[str]()
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if (one.marker is None or one.marker.evaluate()) and name not in seen:
            seen.add(name)
            waiting += map(Requirement, requires(name) or ())

    assert seen == set(pins())


def test_every_line_of_the_lock_has_hashes_and_none_names_an_index() -> None:
    text = (FUNCTION / "requirements.lock").read_text()
    rest = [line for line in ENTRY.sub("", text).splitlines() if not line.startswith("#")]

    assert rest == ["--only-binary :all:"]
    assert "http" not in text


@dataclass
class Index:
    """A package index on loopback (Simple repository API, packaging.python.org)."""

    folder: Path
    url: str = ""
    in_json: bool = True

    def add(self, name: str, tag: str, *needs: str) -> str:
        """Publish a wheel of version 1.0; return its hash."""
        write_wheel(self.folder, name, tag, {f"{name}.py": f"TAG = {tag!r}\n"}, needs)
        return self._hash(self.folder / f"{name}-1.0-{tag}.whl")

    def page(self, name: str) -> dict[str, object]:
        """Return the list of a package's files."""
        files = [
            {"filename": path.name, "url": f"{self.url}/files/{path.name}", "hashes": {"sha256": self._hash(path)}}
            for path in sorted(self.folder.iterdir())
            if canonicalize_name(path.name.split("-")[0]) == name
        ]
        return {"meta": {"api-version": "1.0"}, "name": name, "files": files}

    def _hash(self, path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index that pip is configured to use."""
    published = Index(tmp_path / "index")
    published.folder.mkdir()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            *_, kind, name = self.path.rstrip("/").split("/")
            if kind == "files":
                body, content_type = (published.folder / name).read_bytes(), "application/octet-stream"
            elif published.in_json:
                body, content_type = json.dumps(published.page(name)).encode(), JSON
            else:
                body, content_type = b"<!DOCTYPE html><html></html>", "text/html"
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        published.url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("PIP_INDEX_URL", f"{published.url}/simple")
        monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "cache"))
        monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield published
        server.shutdown()
        thread.join()


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "requirements.lock"


def test_a_lock_serves_every_python_and_machine_that_may_build_or_run(
    tmp_path: Path, index: Index, written: Path
) -> None:
    """With all wheels of a package, and what another Python or system than the running one needs; no source package."""
    needs = ["newer>=0.5; python_version >= '3.14'", "mac; sys_platform == 'darwin'", "win; sys_platform == 'win32'"]
    of_first = index.add("first", "py3-none-any", *needs, "fast[more]")
    of_fast = index.add("fast", "py3-none-any", "more; extra == 'more'", "less; extra == 'less'")
    of_newer = sorted(index.add("newer", tag) for tag in ("py3-none-any", "cp314-cp314-win_amd64"))
    of_mac, of_more = index.add("mac", "py3-none-any"), index.add("more", "py3-none-any")
    (index.folder / "first-1.0.tar.gz").write_bytes(b"a source package")
    (tmp_path / "requirements.txt").write_text("# a comment\nfirst==1.0  # why\n")

    lock(tmp_path / "requirements.txt", written)

    entries = {name + marker: hashes.split() for name, _, marker, hashes in ENTRY.findall(written.read_text())}
    assert {name: [one for one in lines if one != "\\"] for name, lines in entries.items()} == {
        "fast": [f"--hash=sha256:{of_fast}"],
        "first": [f"--hash=sha256:{of_first}"],
        'mac ; sys_platform == "darwin"': [f"--hash=sha256:{of_mac}"],
        "more": [f"--hash=sha256:{of_more}"],
        "newer": [f"--hash=sha256:{one}" for one in of_newer],
    }


def test_a_package_without_a_wheel_for_one_target_is_not_locked(tmp_path: Path, index: Index, written: Path) -> None:
    """The lock that was there stays."""
    index.add("native", "cp311-cp311-manylinux2014_aarch64")
    (tmp_path / "requirements.txt").write_text("native==1.0\n")
    written.write_text("as before")

    with pytest.raises(NotLocked, match=r"for Python 3\.11 on x86_64:\n.*native==1\.0"):
        lock(tmp_path / "requirements.txt", written)

    assert written.read_text() == "as before"


def test_an_index_that_gives_no_hashes_is_named(
    tmp_path: Path, index: Index, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder still gives pip the wheel."""
    index.add("first", "py3-none-any")
    index.in_json = False
    monkeypatch.setenv("PIP_FIND_LINKS", str(index.folder))
    (tmp_path / "requirements.txt").write_text("first==1.0\n")

    with pytest.raises(NotLocked, match=rf"^{index.url}/simple gave no list of the files of first in JSON"):
        lock(tmp_path / "requirements.txt", written)
