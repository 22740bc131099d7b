import pytest

from function.claude import (
    CLAUDES,
    Claude,
    Mind,
    Native,
    Off,
    Thinks,
    claude,
    default_max_tokens,
    default_timeout,
    is_claude,
    may_think,
    takes_native_output,
)
from function.contract import Effort, Thinking

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


@pytest.mark.parametrize(
    ("model", "thinks", "off", "off_up_to", "efforts", "effort"),
    [
        ("3-7-sonnet", "no", "nothing", None, "", None),
        ("opus-4-1", "no", "nothing", None, "", None),
        ("haiku-4-5", "no", "nothing", None, "", None),
        ("opus-4-5", "no", "nothing", None, "low medium high", "high"),
        ("sonnet-4-6", "no", "nothing", None, "low medium high max", "high"),
        ("opus-4-7", "no", "nothing", None, "low medium high xhigh max", "high"),
        ("opus-4-8", "no", "nothing", None, "low medium high xhigh max", "high"),
        ("sonnet-5", "yes", "disabled", None, "low medium high xhigh max", "high"),
        ("opus-5", "yes", "disabled", "high", "low medium high xhigh max", "high"),
        ("haiku-5-5", "yes", "disabled", "high", "low medium high xhigh max", "medium"),
        ("sonnet-5-5", "yes", "between_tools", "high", "low medium high xhigh max", "high"),
        ("opus-5-5", "always", "never", None, "low medium high xhigh max", "medium"),
        ("fable-5", "always", "never", None, "low medium high xhigh max", "high"),
        ("mythos-5-2", "always", "never", None, "low medium high xhigh max", "high"),
    ],
)
def test_a_row_says_whether_a_model_thinks_and_what_steers_it(  # noqa: PLR0913, PLR0917 - the columns of a table
    model: str, thinks: str, off: str, off_up_to: str | None, efforts: str, effort: str | None
) -> None:
    row = claude(f"us.anthropic.claude-{model}")

    assert row is not None
    assert row.mind == Mind(
        thinks=Thinks(thinks),
        adaptive=row.version >= (4, 6),
        off=Off(off),
        off_up_to=Effort(off_up_to) if off_up_to else None,
        efforts=tuple(Effort(word) for word in efforts.split()),
        effort=Effort(effort) if effort else None,
        effort_beta="effort-2025-11-24" if model == "opus-4-5" else None,
        source=row.mind.source,
    )


@pytest.mark.parametrize("row", CLAUDES, ids=lambda row: row.name)
def test_what_a_row_says_of_thinking_fits_together(row: Claude) -> None:
    """A model that thinks unasked knows effort; the effort of a request without one is one of its words."""
    mind = row.mind

    assert (mind.thinks is Thinks.NO) == (mind.off is Off.NOTHING)
    assert (mind.thinks is Thinks.ALWAYS) == (mind.off is Off.NEVER)
    assert bool(mind.efforts) == (mind.effort is not None)
    assert mind.effort is None or mind.effort in mind.efforts
    assert (
        mind.off_up_to is None
        or mind.effort is None
        or mind.efforts.index(mind.effort) <= mind.efforts.index(mind.off_up_to)
    )
    assert mind.source


@pytest.mark.parametrize(
    ("model", "minimum", "hour", "characters"),
    [
        ("3-5-haiku", 2_048, False, 4),
        ("opus-4-1", 1_024, False, 4),
        ("haiku-4-5", 4_096, True, 4),
        ("opus-4-5", 4_096, True, 4),
        ("sonnet-4-6", 2_048, True, 4),
        ("opus-4-7", 4_096, True, 3),
        ("sonnet-5", 1_024, True, 3),
        ("opus-5-5", 512, True, 3),
        ("fable-5-2", None, True, 3),
    ],
)
def test_a_row_says_what_the_cache_needs(model: str, minimum: int | None, *, hour: bool, characters: int) -> None:
    """Where sources differ, it is the largest minimum: a warning too many costs less than a cache that misses."""
    row = claude(f"us.anthropic.claude-{model}")

    assert row is not None
    assert (row.cache_minimum, row.knows_hour_cache, row.characters_per_token) == (minimum, hour, characters)


@pytest.mark.parametrize(
    ("model_id", "thinking", "tokens", "seconds"),
    [
        ("us.anthropic.claude-haiku-4-5", "default", 2_000, 120),
        ("us.anthropic.claude-opus-4-8", "on", 8_000, 300),
        ("us.anthropic.claude-sonnet-5", "default", 8_000, 300),
        ("us.anthropic.claude-sonnet-5", "off", 2_000, 120),
        ("us.anthropic.claude-fable-5", "default", 8_000, 300),
        ("us.anthropic.claude-fable-5", "off", 8_000, 300),
        ("us.anthropic.claude-opus-6", "default", 2_000, 120),
        (PROFILE, "default", 2_000, 120),
    ],
)
def test_a_model_that_thinks_is_given_more_tokens_and_more_time(
    model_id: str, thinking: str, tokens: int, seconds: int
) -> None:
    """Thinking counts as the answer does. Of a model that is not known, nothing is assumed.

    One that always thinks does so too where it follows a model whose thinking is off.
    """
    assert default_max_tokens(model_id, Thinking(thinking)) == tokens
    assert default_timeout(model_id, Thinking(thinking)) == seconds


@pytest.mark.parametrize(
    ("model_id", "thinking", "may"),
    [
        ("us.anthropic.claude-haiku-4-5", "default", False),
        ("us.anthropic.claude-opus-4-8", "default", False),
        ("us.anthropic.claude-opus-4-8", "on", True),
        ("us.anthropic.claude-opus-5", "default", True),
        ("us.anthropic.claude-opus-5", "off", False),
        ("us.anthropic.claude-opus-5-5", "off", True),
        ("us.anthropic.claude-opus-6", "default", True),
        (PROFILE, "off", True),
        ("amazon.nova-pro-v1:0", "default", False),
    ],
)
def test_a_claude_that_the_table_does_not_know_may_think(model_id: str, thinking: str, *, may: bool) -> None:
    assert may_think(model_id, Thinking(thinking)) is may


def test_an_id_says_whether_the_model_is_a_claude() -> None:
    assert is_claude("us.anthropic.claude-opus-6")
    assert not is_claude(PROFILE)
    assert not is_claude("amazon.nova-pro-v1:0")
