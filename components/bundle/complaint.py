"""Turns what pip or uv writes when it fails into one sentence that says what to do."""

import re
from typing import Final

from .target import Target

_CAUSE: Final = re.compile(r"^ +(?:The user requested (?P<constraint>\(constraint\) )?)?(?P<cause>\S.*)$", re.MULTILINE)
_UNHASHED: Final = (
    r"Hashes are required(?:.*\n)+? +(\S+) --hash=",
    r"versions pinned with ==.*\n +(\S+) ",
    r"require-hashes.*\s.*none were provided for: (\S+)",
    r"no trusted hash was provided for: `([^`]+)`",
)
"""How pip and uv name a package without a hash, two sentences each."""


def explain(tool: str, target: Target, pip_file: str, output: str, errors: str) -> str:
    """Return why the packages of ``pip_file`` cannot be collected, from what ``tool`` wrote.

    ``output`` is its standard output, on which pip says what causes a conflict; ``errors`` is its standard error.
    """
    for sentence in (_spoilt, _unhashed, _missing, _conflict):
        if text := sentence(target, pip_file, f"{output}\n{errors}"):
            return text
    tail = "\n".join(errors.strip().splitlines()[-5:])
    return f"{tool} could not collect the wheels for {target}:\n{tail}"


def _spoilt(_: Target, pip_file: str, text: str) -> str | None:
    """Return the sentence for a file whose hash differs."""
    found = re.search(r"DO NOT MATCH THE HASHES.*\n+ +(?P<package>\S+) from ", text) or re.search(
        r"Hash mismatch for `(?P<package>[^`]+)`", text
    )
    return found and (
        f"the downloaded file of {found['package']} is not one of those whose hashes are in {pip_file}. "
        "Nothing was built: find out who changed the file, or which package index you use."
    )


def _unhashed(_: Target, pip_file: str, text: str) -> str | None:
    """Return the sentence for a package without a hash, where others have one."""
    for pattern in _UNHASHED:
        if found := re.search(pattern, text):
            return (
                f"{found[1]} has no hash in {pip_file}, where other packages have one. Give every package its exact "
                "version and its hashes, also those that the others need, or remove all hashes."
            )
    return None


def _missing(target: Target, _: str, text: str) -> str | None:
    """Return the sentence for a package that has no wheel for the target."""
    pip, uv = r"No matching distribution found for (.+)", r"Because (\S+) (?:was not found|has no (?:usable )?wheels)"
    found = re.search(pip, text) or re.search(uv, _joined(text))
    return found and (
        f"{found[1].strip()} has no wheel for {target}. "
        "Choose a version that has one, or another architecture or runtime."
    )


def _conflict(_: Target, pip_file: str, text: str) -> str | None:
    """Return the sentence for versions that exclude each other."""
    causes = text.partition("The conflict is caused by:")[2]
    if causes:
        listed = list(_CAUSE.finditer(causes.partition("\n\n")[0]))
        locked = [cause["cause"] for cause in listed if cause["constraint"]]
        wanted = [cause["cause"] for cause in listed if not cause["constraint"]]
        conflict = f'"{wanted[0]}" conflicts with "{(locked or wanted[1:])[0]}"'
    elif because := re.search(r"Because (?P<reason>.+?), we can conclude", _joined(text)):
        conflict = f"these conflict: {because['reason']}"
    else:
        return None
    return (
        f"{conflict}. Choose packages in {pip_file} that agree with each other and with the versions of the function's "
        "own packages, which are locked."
    )


def _joined(text: str) -> str:
    """Return the text in one line: uv breaks its sentences, and draws lines beside them."""
    return " ".join(re.sub(r"[^\S ]|[│╰─▶├]", " ", text).split())
