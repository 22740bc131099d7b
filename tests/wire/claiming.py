"""A request class that carries a document, in a function that measures its own memory."""

import json
import sys
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field

from function.endpoint import Document, Image, Message, Part, Prompt

MEASURE: Final = "Measure."
PEAK: Final = Path("/proc/self/clear_refs")
"""To write 5 into it begins a new peak (proc(5)); only Linux has it."""
STATUS: Final = Path("/proc/self/status")


class Claim(BaseModel):
    """A question about files. The question ``MEASURE`` writes one line: the memory of the process, in bytes."""

    question: str = Field(pattern=r"\w")
    photo: Image | None = None
    papers: list[Document] = []

    @property
    def prompt(self) -> Prompt:
        if self.question == MEASURE:
            self._measure()
        parts: list[Part] = [self.question, *self.papers]
        if self.photo is not None:
            parts.append(self.photo)
        return Prompt([Message("user", parts)], metadata={"files": str(len(parts) - 1)})

    def _measure(self) -> None:
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        resident, peak = (1024 * int(lines[name].split()[0]) for name in ("VmRSS", "VmHWM"))
        sys.stdout.write(json.dumps({"resident": resident, "peak": peak}) + "\n")
        PEAK.write_text("5")
