from local.bedrock.script import (
    Hang,
    Open,
)
from local.bedrock.server import Bedrock
from tests.local.bedrock.asking import Ask, kinds


def test_a_call_knows_whether_its_client_is_still_connected(bedrock: Bedrock, ask: Ask) -> None:
    """A closed connection is seen at once, in the middle of a silence too."""
    bedrock.play([Open(), Hang()])
    stream = ask()["stream"]
    call = bedrock.called()
    assert call.is_open()

    stream.close()

    assert not call.is_open()
    assert call.ended.wait(30)
    assert call.closed_at is not None


def test_a_complete_answer_is_not_a_closed_connection(bedrock: Bedrock, ask: Ask) -> None:
    """``closed_at`` is for clients that left before the end."""
    kinds(ask())

    call = bedrock.called()
    assert call.ended.wait(30)
    assert call.closed_at is None
