"""The one import name of a team's own modules, in a checkout."""

from pathlib import Path

import function.endpoint
import function.stream.record
from components import endpoint
from local.bedrock.server import Bedrock
from local.lambda_.deployment import Deployment
from local.twin import Twin, task_root

SCHEMA = """
import function.endpoint
from pydantic import BaseModel
from streaming_llm_api.endpoint import Prompt

print("the same class:", Prompt is function.endpoint.Prompt)
Answer = BaseModel
"""


def test_every_name_is_the_functions_own() -> None:
    assert {name: getattr(endpoint, name) for name in endpoint.__all__} == {
        "Record": function.stream.record.Record,
        **{name: getattr(function.endpoint, name) for name in endpoint.__all__ if name != "Record"},
    }


def test_the_local_stack_gives_modules_the_same_classes(bedrock: Bedrock, tmp_path: Path) -> None:
    (tmp_path / "schemas.py").write_text(SCHEMA)
    with task_root(tmp_path) as root, Twin(bedrock, Deployment(root, {"LLM_SCHEMA": "schemas:Answer"})) as twin:
        twin.function.start()
        output = list(twin.function.output)
    assert "the same class: True" in output
