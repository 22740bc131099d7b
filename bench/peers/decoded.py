"""The second floor: botocore's call, read by the function's own decoder and relayed untouched."""

from collections.abc import Iterator
from typing import Any

import botocore.session

from bench.peers.runtime import serve, texts
from function.aws.bedrock.frames import decode_events

_client: Any = botocore.session.get_session().create_client("bedrock-runtime")
_client.meta.events.register("before-parse.bedrock-runtime.ConverseStream", decode_events)


def _answer(_: object) -> Iterator[str]:
    return texts(_client)


if __name__ == "__main__":
    serve(_answer)
