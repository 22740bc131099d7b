"""The whole chain with a store and sinks of an emulated AWS: what is read back from there is the request's record."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from function.contract import SINKS
from local.bedrock.script import Cut
from tests.aws.stages.emulated import Sinks, Table, emulated_aws, point_at
from tests.formats import LINES, SSE
from tests.wire.chain import Chain, Seen
from tests.wire.endings_table import CANARY, DELTAS, GOOD, PROMPT, USAGE


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with emulated_aws() as url:
        yield url


STAGES = ["log", "store", "publish"]


@pytest.mark.parametrize("kind", SINKS)
def test_a_record_reaches_store_and_sink_as_it_is(
    chain: Chain, emulator: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A completed request and a failed one, told by unmodified boto3 in the sandbox, in the words of the log line."""
    point_at(emulator, monkeypatch)
    table, sinks = Table(), Sinks()
    chain.deploy(
        store=f"dynamodb:{table.name}",
        sink=f"{kind}:{sinks.destination(kind).name}",
        publish_outcomes="completed,failed",
        AWS_ENDPOINT_URL=emulator,
    )
    good = chain.ask(GOOD, SSE, {"prompt": PROMPT})
    bad = chain.ask([*DELTAS, Cut()], LINES, {"prompt": PROMPT})
    published = {message["id"]: message for message in sinks.messages(kind)}

    assert len(published) == table.count() == 2
    for each, code in ((good, None), (bad, "model_failed")):
        item = table.get(each.headers["x-request-id"])
        record = json.loads(item["record"]["S"])
        assert record == published[each.headers["x-request-id"]]
        assert item["outcome"]["S"] == record["outcome"]
        _check_record(record, each, code)
        assert [stage for stage in each.order() if stage in STAGES] == STAGES
    table.client.close()
    sinks.close()


def _check_record(record: dict[str, Any], seen: Seen, code: str | None) -> None:
    """Hold a record to what the log line says and the client saw."""
    log = seen.log
    assert record["outcome"] == log["outcome"] == ("failed" if code else "completed")
    assert (record["error"] or {}).get("code") == log.get("error.type") == code
    assert record["usage"] == (
        None if code else {"inputTokens": USAGE.input_tokens, "outputTokens": USAGE.output_tokens}
    )
    assert (record["chunks"], record["bytes"], record["status"]) == (len(seen.chunks), len(seen.body), seen.status)
    assert record["timings"]["total"] == log["total_ms"]
    assert "content" not in record
    assert not any(canary in json.dumps(record) for canary in (CANARY, PROMPT))
