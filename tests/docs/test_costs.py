"""The calculations in docs/costs.md are right."""

import json
import math
import re
from pathlib import Path

import pytest

from function.aws.stages.log import log_stage
from function.contract import Outcome
from function.stream.events import Usage
from tests.aws.stages.records import Written, record

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


@pytest.mark.parametrize("row", rows("a request"), ids=lambda row: row[0])
def test_a_cache_and_thinking_cost_what_the_calculation_gives(row: list[str]) -> None:
    _, calculation, price = row

    assert f"{calculated(calculation):.7f}" == price


@pytest.mark.parametrize(("write", "first", "mean"), [(1.25, 2, "0.25 in five minutes"), (2, 3, "0.75 in an hour")])
def test_a_cache_pays_from_the_request_on_that_the_page_names(write: float, first: int, mean: str) -> None:
    """By chance a request is read if another came before it in that time: with the probability 1 - e^-mean."""
    read = 0.1
    costs = {number: write + read * (number - 1) for number in range(1, 9)}
    share_that_must_be_read = (write - 1) / (write - read)

    assert min(number for number, price in costs.items() if price < number) == first
    assert f"{costs[first]:g}, not {first}" in TEXT
    assert mean in TEXT
    assert abs(-math.log(1 - share_that_must_be_read) - float(mean.split(maxsplit=1)[0])) < 0.01


def test_there_are_as_many_custom_metrics_as_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Seven of a request, two more with a cache, one with thinking, two if it is rejected; five of a model."""
    stage = log_stage(Written().logger, "f", by_model=True)
    for made in (
        record(),
        record(usage=Usage(1, 2, 3, 4)),
        record(usage=Usage(1, 2, 3, 4, 5)),
        record(Outcome.REJECTED),
    ):
        stage(made)
    written = [json.loads(line)["_aws"]["CloudWatchMetrics"] for line in capsys.readouterr().out.splitlines()]

    assert [[len(each["Metrics"]) for each in directives] for directives in written] == [[7, 2], [9, 4], [10, 5], [2]]
    assert f"9 {TIMES} 5 = 45: USD 13.50" in TEXT
    assert 45 * 0.30 == 13.50


def test_the_requests_that_can_begin_are_those_of_the_reservation() -> None:
    [(calculation, result)] = re.findall(r"([\d,]+ / \([^)]+\)) = (\d+) requests can begin", TEXT)

    assert calculated(calculation) == float(result)
