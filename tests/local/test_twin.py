"""The joined chain; what a user sees of it is in ``tests/wire``."""

import threading

import pytest

from local.bedrock import script
from local.bedrock.script import Fragment, Hang, Hold, Open
from local.bedrock.server import Bedrock
from local.client import End
from local.twin import Twin

DOCUMENT = '{"summary": "s", "keywords": []}'


def test_a_request_passes_through_the_deployed_function(bedrock: Bedrock, twin: Twin) -> None:
    """Gateway, sandbox, Bedrock, and all the way back."""
    bedrock.play(script.complete_answer(DOCUMENT))

    with twin.post({"prompt": "Why?"}) as reply:
        assert (reply.body().decode(), reply.status, reply.end) == (DOCUMENT, 200, End.CLEAN)

    assert bedrock.called().prompt == "Why?"


def test_a_change_of_the_deployment_starts_new_sandboxes(bedrock: Bedrock, twin: Twin) -> None:
    """What was set before stays; the old sandboxes are gone."""
    bedrock.play(script.complete_answer(DOCUMENT))
    twin.deploy({"LLM_MAX_TOKENS": "7"})
    twin.post().body()
    old = twin.function.processes

    twin.deploy({"LLM_TEMPERATURE": "0"}, timeout=30)
    twin.post().body()

    assert bedrock.called(2).body["inferenceConfig"] == {"maxTokens": 7, "temperature": 0.0}
    assert not set(old) & set(twin.function.processes)
    assert twin.gateway.integration_timeout == 40


def test_nothing_of_the_users_environment_reaches_the_function(
    bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bearer token would beat the signature; a profile would bring endpoints of its own."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "x")
    monkeypatch.setenv("AWS_PROFILE", "work")

    with Twin(bedrock) as twin:
        environment = twin.function.deployment.environ("")

    assert not environment.keys() & {"AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE", "HOME"}
    assert environment["AWS_CONFIG_FILE"] == "/dev/null"
    assert environment["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] == bedrock.url


def test_a_twin_leaves_neither_process_nor_thread_whatever_it_is_doing(bedrock: Bedrock) -> None:
    """A model that hangs, a client that waits."""
    threads = threading.active_count()
    bedrock.play([Open(), Fragment('{"summary": "'), Hang()])

    with Twin(bedrock) as twin, twin.post(accept="application/jsonl") as reply:
        next(reply.chunks())
        assert twin.function.processes

    assert not twin.function.processes
    assert bedrock.called().ended.wait(30)
    bedrock.close()
    assert threading.active_count() <= threads


def test_the_model_call_is_closed_before_a_stage_has_written_its_line(bedrock: Bedrock) -> None:
    """Looked up exactly while the line is read: what a test of a reset can rely on."""
    states = []
    part = script.fragments('{"summary": "' + "x" * 100)
    bedrock.play([Open(), *part, Hold("the reset"), *script.fragments("y" * 1000), Hang()])

    def see(line: str) -> None:
        if '"stage"' in line:
            states.append(bedrock.called().is_open())

    with Twin(bedrock, on_output=see) as twin, twin.post() as reply:
        next(reply.chunks())
        bedrock.reached("the reset")
        assert bedrock.called().is_open()
        twin.function.invocations[0].reset()
        bedrock.release("the reset")
        twin.function.wait_until_idle()

    assert states
    assert not any(states)
