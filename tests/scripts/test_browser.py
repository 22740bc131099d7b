"""What the browser tests need is found, or installed, or asked for in one sentence."""

from pathlib import Path

import pytest

from scripts.browser import Missing, find_browsers, install, node


def program(folder: Path, name: str, text: str) -> Path:
    """Write a program into a folder of programs."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs, empty; nobody named a browser."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CHROMIUM", raising=False)
    return tmp_path / "bin"


def test_browsers_that_are_there_are_found(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the user names takes the place of all."""
    names = ("chromium-headless-shell", "chromium", "chrome")
    small, other, named = (str(program(programs, name, "")) for name in names)

    assert find_browsers() == {"CHROMIUM": small, "CHROMIUM_WITH_CACHE": other}

    monkeypatch.setenv("CHROMIUM", named)

    assert find_browsers() == {"CHROMIUM": named, "CHROMIUM_WITH_CACHE": named}


@pytest.mark.usefixtures("programs")
def test_without_chromium_one_sentence_says_how_to_get_it() -> None:
    """On a machine that is not Debian's, or for a user who may not install packages."""
    with pytest.raises(Missing, match="On Debian: apt install chromium-headless-shell chromium"):
        find_browsers()


@pytest.mark.usefixtures("programs")
def test_a_browser_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one does not take its place in silence."""
    monkeypatch.setenv("CHROMIUM", "/nowhere/chrome")

    with pytest.raises(Missing, match=r"CHROMIUM must name .* got '/nowhere/chrome'"):
        find_browsers()


@pytest.mark.parametrize(("own", "version"), [("v20.1.0", 20), ("v22.0.0", 22), ("v24.9.0", 22)])
def test_the_machines_node_is_used_where_it_serves(programs: Path, own: str, version: int) -> None:
    found = program(programs, "node", f"echo {own}")

    assert node(version, "npm") == found


@pytest.mark.parametrize(("own", "version"), [("v22.0.0", 20), ("v20.1.0", 22)])
def test_another_node_comes_from_npm(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, version: int
) -> None:
    """The oldest version that the client supports, exactly; of the other one, the machine's is too old."""
    monkeypatch.setattr("scripts.browser.CACHE", tmp_path)
    program(programs, "node", f"echo {own}")
    npm = program(programs, "npm", 'echo "$@" > "$4/asked"')  # the folder follows --prefix

    found = node(version, str(npm))

    folder = tmp_path / f"node-{version}"
    assert found == folder / "node_modules" / "node" / "bin" / "node"
    assert f"node@{version}" in (folder / "asked").read_text()


def test_packages_that_cannot_be_installed_are_one_sentence(programs: Path, tmp_path: Path) -> None:
    npm = program(programs, "npm", "exit 1")
    (tmp_path / "package-lock.json").touch()

    with pytest.raises(Missing, match="could not be installed; see npm's messages above"):
        install(tmp_path, str(npm))


def test_packages_are_installed_once(programs: Path, tmp_path: Path) -> None:
    """And again after a change of the lock file."""
    npm = program(programs, "npm", "echo x >> asked\n/bin/mkdir -p node_modules\n: > node_modules/.package-lock.json")
    lock = tmp_path / "package-lock.json"
    lock.touch()

    install(tmp_path, str(npm))
    install(tmp_path, str(npm))

    assert (tmp_path / "asked").read_text() == "x\n"
