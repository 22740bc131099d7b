"""How one value is read; the arguments themselves are in test_parsing."""

import asyncio
from contextlib import closing

import pulumi
import pytest

from components.values import InvalidArgument, key_arn


@pytest.mark.parametrize("resource", ["alias/x", "alias/key/1"])
def test_an_alias_is_refused_once_it_is_known(resource: str) -> None:
    """As the output of another resource."""

    async def known() -> object:
        alias = pulumi.Output.from_input(f"arn:aws:kms:eu-central-1:123456789012:{resource}")
        read = key_arn().read("kmsKey", alias)
        assert isinstance(read, pulumi.Output)
        return await read.future()

    # asyncio.run would leave the thread without an event loop, which Pulumi's mocks need in the tests after this one
    loop = asyncio.new_event_loop()
    with (
        closing(loop),
        pytest.raises(InvalidArgument, match=r"^kmsKey must be the ARN of a KMS key, not of an alias; got"),
    ):
        loop.run_until_complete(known())
