import pytest

from local.bedrock.claude import takes, version


@pytest.mark.parametrize(
    ("model_id", "found"),
    [
        ("us.anthropic.claude-opus-4-7", (4, 7)),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", (3, 7)),
        ("anthropic.claude-3-haiku-20240307-v1:0", (3, 0)),
        ("anthropic.claude-sonnet-4-20250514-v1:0", (4, 0)),
        ("amazon.nova-pro-v1:0", None),
    ],
)
def test_the_version_stands_in_the_id(model_id: str, found: tuple[int, int] | None) -> None:
    assert version(model_id) == found


def test_an_old_model_takes_no_native_output_and_an_unknown_one_takes_everything() -> None:
    assert not takes("anthropic.claude-3-haiku-20240307-v1:0").native
    assert takes("anthropic.claude-3-haiku-20240307-v1:0").sampling
    assert takes("anthropic.claude-opus-6").sampling
    assert not takes("anthropic.claude-opus-5-5").forced_tool
