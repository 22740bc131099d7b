"""The calculations in docs/costs.md are right."""

import re
from pathlib import Path

import pytest

TIMES = "\N{MULTIPLICATION SIGN}"
TEXT = (Path(__file__).resolve().parents[2] / "docs" / "costs.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells below the table whose first line begins with ``heading``."""
    _, _, rest = TEXT.partition(f"| {heading} |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def calculated(text: str) -> float:
    """Return the value of a calculation of the page."""
    expression = text.replace(TIMES, "*").replace("10⁶", "1e6").replace(",", "")

    assert re.fullmatch(r"[\d .*/+()e]+", expression)
    return float(eval(expression))  # noqa: S307 - numbers and signs alone


def test_the_parts_of_a_request_add_up_to_the_price_of_a_thousand() -> None:
    *parts, [total, _, price] = rows("part")
    values = [calculated(calculation) for _, calculation, _ in parts]

    assert [f"{value:.7f}" for value in values] == [shown for *_, shown in parts]
    assert total == "**1,000 requests**"
    assert f"**{sum(values) * 1000:.2f}**" == price


@pytest.mark.parametrize("row", rows("where it goes"), ids=lambda row: row[0])
def test_a_record_costs_what_its_calculation_gives(row: list[str]) -> None:
    _, calculation, price = row

    assert f"{calculated(calculation):.4f}" == price


@pytest.mark.parametrize("row", rows("burn-down rate"), ids=lambda row: row[0])
def test_the_requests_per_minute_follow_from_the_rate(row: list[str]) -> None:
    rate, tokens, requests = row
    calculation, _, result = tokens.partition(" = ")

    assert f"{TIMES} {rate}" in calculation
    assert calculated(calculation) == float(result.replace(",", ""))
    assert 200_000 // calculated(calculation) == int(requests)


def test_the_requests_that_can_begin_are_those_of_the_reservation() -> None:
    [(calculation, result)] = re.findall(r"([\d,]+ / \([^)]+\)) = (\d+) requests can begin", TEXT)

    assert calculated(calculation) == float(result)
