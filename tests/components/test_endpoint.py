"""The one import name of a team's own modules, in a checkout."""

from pathlib import Path

import function.endpoint
import function.stream.record
from components import endpoint
from local.bedrock.server import Bedrock
from local.lambda_.deployment import Deployment
from local.twin import Twin, task_root
from tests.components.own_code import assert_own_classes_are_the_functions, write_preparing

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


def test_in_a_checkout_the_function_recognizes_what_own_modules_give_and_raise(tmp_path: Path) -> None:
    write_preparing(tmp_path)
    with task_root(tmp_path) as root:
        assert_own_classes_are_the_functions(root)
