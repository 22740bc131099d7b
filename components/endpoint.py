"""What your own modules import, such as ``from streaming_llm_api.endpoint import Prompt, Record``.

The classes are defined in the function. This file gives them one name in the wheel, where the function's sources lie in
this package, and in the bundle and the local stack, whose package ``streaming_llm_api`` holds this file alone.
"""

from pathlib import Path
from typing import Final

IN_WHEEL: Final = (Path(__file__).parent / "function").is_dir()
"""Whether this package brings the function's sources. The type checker of a checkout takes it as false."""

if IN_WHEEL:
    from .function.endpoint import Call, Caller, Document, Image, Message, Prompt, Refused
    from .function.stream.record import Record
else:
    from function.endpoint import Call, Caller, Document, Image, Message, Prompt, Refused
    from function.stream.record import Record

__all__ = ["Call", "Caller", "Document", "Image", "Message", "Prompt", "Record", "Refused"]
