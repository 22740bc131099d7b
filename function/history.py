"""What records say of a prompt: its texts as they are, and of a file its type, size and hash, never its data."""

from hashlib import sha256

from .conversation import Conversation, File, Turn
from .media import MEDIA_TYPES
from .stream.record import PromptContent


def content_of(prompt: str | Conversation) -> PromptContent:
    """Return what those who may see content see of ``prompt``. Messages have the form of a request's body."""
    if isinstance(prompt, str):
        return PromptContent(prompt)
    turns, instructions = prompt.turns, prompt.instructions
    is_text_alone = len(turns) == 1 and not any(isinstance(part, File) for part in turns[0].parts)
    return PromptContent(
        prompt.prompt,
        None if is_text_alone else [_message(turn) for turn in turns],
        None if instructions is None else sha256(instructions.encode(errors="replace")).hexdigest(),
    )


def _message(turn: Turn) -> dict[str, object]:
    [*before, last] = turn.parts
    content = last if not before and isinstance(last, str) else [_part(part) for part in turn.parts]
    return {"role": turn.role, "content": content}


def _part(part: str | File) -> dict[str, object]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    digest = sha256(part.data).hexdigest()
    return {"type": part.kind, "mediaType": MEDIA_TYPES[part.format], "bytes": len(part.data), "sha256": digest}
