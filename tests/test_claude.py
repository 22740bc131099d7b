import pytest

from function.claude import CLAUDES, Claude, Native, claude, is_claude, takes_native_output

PROFILE = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3"
SYSTEM_PROFILE = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-4-6-v1"


@pytest.mark.parametrize(
    ("model_id", "name"),
    [
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", "Haiku 4.5"),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", "Sonnet 3.7"),
        ("anthropic.claude-opus-4-6-v1", "Opus 4.6"),
        ("us.anthropic.claude-opus-4-7", "Opus 4.7"),
        ("us.anthropic.claude-opus-5", "Opus 5"),
        ("eu.anthropic.claude-sonnet-5-5", "Sonnet 5.5"),
        ("anthropic.claude-fable-5-1", "Fable 5.1"),
        ("anthropic.claude-sonnet-4-20250514-v1:0", "Sonnet 4"),
        ("anthropic.claude-opus-4-1-20250805-v1:0", "Opus 4.1"),
        (SYSTEM_PROFILE, "Opus 4.6"),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", "Sonnet 3.7"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "Sonnet 3.7"),
        ("anthropic.claude-opus-6", None),
        ("anthropic.claude-v2:1", None),
        (PROFILE, None),
        ("amazon.nova-pro-v1:0", None),
    ],
)
def test_an_id_or_an_arn_names_a_row(model_id: str, name: str | None) -> None:
    """What is older than the first row takes what that takes; what is newer than the table is not guessed."""
    row = claude(model_id)

    assert (row and row.name) == name


@pytest.mark.parametrize("row", CLAUDES, ids=lambda row: row.name)
def test_every_row_is_found_by_the_id_of_its_model(row: Claude) -> None:
    major, minor = row.version
    number = f"{major}-{minor}" if minor else str(major)
    name = f"{number}-{row.family}" if major == 3 else f"{row.family}-{number}"

    assert claude(f"us.anthropic.claude-{name}-20250101-v1:0") is row
    assert row.source


@pytest.mark.parametrize(
    ("model_id", "native"),
    [
        ("anthropic.claude-haiku-4-5-20251001-v1:0", True),
        ("anthropic.claude-opus-4-6-v1", True),
        ("anthropic.claude-sonnet-4-6", False),
        ("us.anthropic.claude-opus-5", True),
        ("us.anthropic.claude-fable-5", False),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", False),
        ("anthropic.claude-opus-6", True),
        ("anthropic.claude-v2:1", False),
        (PROFILE, True),
        ("amazon.nova-pro-v1:0", False),
    ],
)
def test_native_output_is_used_where_it_works_or_may_work(model_id: str, *, native: bool) -> None:
    """Not where it is accepted and answers run to the token limit in silence."""
    assert takes_native_output(model_id) is native


def test_only_one_model_is_unreliable() -> None:
    assert [row.name for row in CLAUDES if row.native is Native.UNRELIABLE] == ["Sonnet 4.6"]


def test_an_id_says_whether_the_model_is_a_claude() -> None:
    assert is_claude("us.anthropic.claude-opus-6")
    assert not is_claude(PROFILE)
    assert not is_claude("amazon.nova-pro-v1:0")
