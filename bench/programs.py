"""The programs under measurement. Each is a folder with a ``bootstrap`` that speaks the Runtime API."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .bundle import ADAPTER, unpacked, unpacked_web

_ROOT: Final = Path(__file__).resolve().parent.parent
_BENCH: Final = _ROOT / "bench"
NODE_TOOL: Final = "Middy, AI SDK, forced tool"
NODE_NATIVE: Final = "Middy, AI SDK, native output"


@dataclass(frozen=True, slots=True)
class Program:
    """A function under measurement."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    accept: str = "text/plain"
    forces_tool: bool = False
    """Whether it asks the model to write the answer as the input of a tool."""
    longest: int = 200_000
    """Bytes of the longest answer that it is asked for."""


def own(folder: Path) -> Program:
    """Return this project's bundle, unpacked into ``folder``."""
    return Program(unpacked(folder))


def installed(folder: Path) -> Path:
    """Let pip install what the function requires into ``folder``, as a team does without a bundler; return that."""
    requirements = str(_ROOT / "function" / "requirements.txt")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), "-r", requirements]
    subprocess.run(command, check=True)  # noqa: S603 - pip, with the function's pinned requirements
    return folder


def peer(folder: Path, module: str, packages: Path) -> Program:
    """Return a module of ``bench.peers``, which imports the packages of a folder."""
    return Program(
        _with_bootstrap(folder, f'exec "$1" -P -m {module}'),
        {"PYTHONPATH": f"{packages}:{_ROOT}"},
    )


def web_peer(folder: Path) -> Program | None:
    """Return an application in FastAPI behind Lambda Web Adapter, in ``folder``; None if the adapter is not built."""
    if not ADAPTER.exists():
        print("Lambda Web Adapter is not measured: make builds it where cargo is installed.", file=sys.stderr)
        return None
    port = str(_free_port())
    unpacked_web(folder)
    server = f'"{ADAPTER}" &\nexec "$1" -P -m uvicorn web_peer:app --port {port} --log-level warning'
    variables = {"PYTHONPATH": str(folder), "AWS_LWA_PORT": port, "AWS_LWA_INVOKE_MODE": "response_stream"}
    return Program(_with_bootstrap(folder, server), variables)


def node_peers(folder: Path) -> dict[str, Program]:
    """Return the same endpoint in Node, in ``folder``, once for each way in which the AI SDK asks for structure.

    The model's id decides which way that is. If Node or its packages are not installed, there is none.
    """
    node, bundler = shutil.which("node"), _BENCH / "node_modules" / ".bin" / "esbuild"
    if node is None or not bundler.exists():
        print("The Node peer is not measured: make installs its packages where npm is installed.", file=sys.stderr)
        return {}
    _with_bootstrap(folder, f'exec "{node}" node_peer.cjs')
    source, options = _BENCH / "peers" / "node" / "node_peer.mjs", ["--bundle", "--platform=node", "--format=cjs"]
    command = [bundler, source, *options, "--minify", "--log-level=warning", f"--outfile={folder / 'node_peer.cjs'}"]
    subprocess.run([str(word) for word in command], check=True)  # noqa: S603 - the bundler that make installs
    tool, native = "anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"
    return {
        NODE_TOOL: Program(folder, {"MODEL": tool}, forces_tool=True),
        NODE_NATIVE: Program(folder, {"MODEL": native}, longest=20_000),  # 200 KB takes half a minute and 3 GB
    }


def _with_bootstrap(folder: Path, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "bootstrap").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / "bootstrap").chmod(0o755)
    return folder


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
