"""The programs under measurement. Each is a folder with a ``bootstrap`` that speaks the Runtime API."""

import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .bundle import ADAPTER, unpacked, unpacked_web

_ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Program:
    """A function under measurement."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    accept: str = "text/plain"


def own(folder: Path) -> Program:
    """Return this project's bundle, unpacked into ``folder``."""
    return Program(unpacked(folder))


def peer(folder: Path, module: str, packages: Path) -> Program:
    """Return a module of ``bench.peers``, which imports the packages of an unpacked bundle."""
    return Program(
        _with_bootstrap(folder, f'exec "$1" -P -m {module}'),
        {"PYTHONPATH": f"{packages}:{_ROOT}"},
    )


def web_peer(folder: Path) -> Program | None:
    """Return FastAPI and uvicorn behind Lambda Web Adapter, unpacked into ``folder``; None if there is no adapter."""
    if not ADAPTER.exists():
        print("Lambda Web Adapter is not measured: make builds it where cargo is installed.", file=sys.stderr)
        return None
    port = str(_free_port())
    unpacked_web(folder)
    server = f'"{ADAPTER}" &\nexec "$1" -P -m uvicorn web_peer:app --port {port} --log-level warning'
    variables = {"PYTHONPATH": str(folder), "AWS_LWA_PORT": port, "AWS_LWA_INVOKE_MODE": "response_stream"}
    return Program(_with_bootstrap(folder, server), variables)


def _with_bootstrap(folder: Path, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "bootstrap").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / "bootstrap").chmod(0o755)
    return folder


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
