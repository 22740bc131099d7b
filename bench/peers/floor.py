"""The floor: boto3's stream, relayed untouched."""

from collections.abc import Iterator

import boto3

from bench.peers.runtime import serve, texts

_client = boto3.client("bedrock-runtime")


def _answer(_: object) -> Iterator[str]:
    return texts(_client)


if __name__ == "__main__":
    serve(_answer)
