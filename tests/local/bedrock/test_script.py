from pathlib import Path

import pytest

from local.bedrock import script
from local.bedrock.script import Cut, Fragment, Hold, Pause, RawEvent, Refuse, Stop, Think, Usage

NAMES = sorted(path.stem for path in Path(script.__file__).parent.joinpath("scripts").glob("*.json"))


@pytest.mark.parametrize("name", NAMES)
def test_every_script_that_ships_can_be_read(name: str) -> None:
    """A script in the folder is a list of known steps."""
    assert script.load(name)


def test_a_step_is_an_object_with_one_name_and_its_values_in_any_of_three_forms() -> None:
    """One value, a list in order, or an object by name."""
    steps = script.parse(
        [
            {"fragment": "{"},
            {"pause": 0.5},
            {"hold": "here"},
            {"stop": {}},
            {"usage": [3, 4]},
            {"think": {"texts": ["hm"], "tokens": 5}},
            {"cut": {"half_frame": True}},
            {"raw_event": ["metadata", "null"]},
            {"refuse": {"code": "ThrottlingException", "status": 400}},
        ]
    )

    assert steps == [
        Fragment("{"),
        Pause(0.5),
        Hold("here"),
        Stop("end_turn"),
        Usage(3, 4),
        Think(["hm"], tokens=5),
        Cut(half_frame=True),
        RawEvent("metadata", "null"),
        Refuse("ThrottlingException", "scripted", 400),
    ]


@pytest.mark.parametrize(
    "item", [{}, {"shout": "x"}, {"fragment": ["a", "b"]}, {"usage": 3}, {"fragment": "a", "stop": {}}]
)
def test_an_item_that_is_not_a_step_is_named(item: dict[str, object]) -> None:
    """The message quotes the step."""
    with pytest.raises(ValueError, match="This is not a step of a script"):
        script.parse([item])


def test_a_complete_answer_is_the_document_a_good_stop_and_usage() -> None:
    """The pieces are the document, cut anywhere."""
    steps = script.complete_answer('{"a": 1}', size=3)

    assert steps == [Fragment('{"a'), Fragment('": '), Fragment("1}"), Stop(), Usage(12, 3)]
