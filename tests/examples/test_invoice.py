"""examples/invoice: a text reaches the model as text, and an image as the bytes that the client has sent."""

import json
import re
from base64 import b64decode, b64encode
from typing import Any

from local.bedrock.call import Call
from local.bedrock.script import complete_answer
from local.bedrock.server import Bedrock
from local.configuration import read_configuration
from local.lambda_.deployment import Deployment
from local.twin import CHECKOUT, Twin, task_root
from tests.examples.commands import commands, demo
from tests.local.models.openai import OpenAi
from tests.media_files import png

ANSWER = {"customer": "Grace Hopper", "total": 7.25}


def reader(request: Any) -> str:
    """Return what the last message says of customer and total."""
    words = request["messages"][-1]["content"]
    [(customer, total)] = re.findall(r"^Customer: ([^\n]*)$.*^Total: (\S+)", words, re.MULTILINE | re.DOTALL)
    return json.dumps({"customer": customer, "total": float(total)})


def test_two_invoices_give_two_totals(openai: OpenAi) -> None:
    """The commands of the page; the model is a program that looks for both in the text that it is sent."""
    openai.reader = reader

    first, second = (demo(command, f"--model-url={openai.url}") for command in commands("invoice"))

    assert (first.returncode, second.returncode) == (0, 0)
    assert '{"customer": "Ada Lovelace", "total": 12.5}' in first.stdout
    assert '{"customer": "Charles Babbage", "total": 480.0}' in second.stdout


def test_an_image_arrives_as_the_bytes_that_were_sent() -> None:
    """What the model reads in it is from a script."""
    image = png(40, 30)
    calls: list[Call] = []

    def script(call: Call) -> list[Any]:
        calls.append(call)
        return list(complete_answer(json.dumps(ANSWER)))

    configuration = read_configuration(CHECKOUT / "examples" / "invoice" / "Pulumi.dev.yaml")
    assert configuration.code is not None
    with task_root(configuration.code) as root, Bedrock(script) as bedrock:
        deployment = Deployment(root, dict(configuration.variables))
        with Twin(bedrock, deployment) as twin:
            file = {"mediaType": "image/png", "data": b64encode(image).decode()}
            with twin.post({"file": file}, "application/json") as reply:
                answer = reply.json()
            with twin.post({"file": {**file, "mediaType": "text/csv"}}, "application/json") as reply:
                problem = reply.json()

    [call] = calls
    [block] = [block["image"] for block in call.body["messages"][0]["content"] if "image" in block]
    assert answer == ANSWER
    assert (block["format"], b64decode(block["source"]["bytes"])) == ("png", image)
    assert {error["rule"] for error in problem["errors"]} == {"media_type_mismatch", "format_unknown"}
