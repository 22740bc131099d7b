"""The calculator's table."""

from dataclasses import fields

import pytest

from capacity.__main__ import DIVISORS, main
from capacity.figures import FIGURES
from capacity.formulas import Workload


def rows(text: str) -> dict[str, list[str]]:
    return {line[:56].strip(): [line[56:82].strip(), line[82:].strip()] for line in text.splitlines()}


def test_the_table_shows_both_ends_of_what_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--requests-per-day", "1000000"]) == 0
    shown = rows(capsys.readouterr().out)
    assert shown["output tokens count as (tokens)"] == ["5", "15"]
    assert shown["accounts or regions"] == ["3", "7"]
    assert shown["throttles first"] == ["model tokens per minute"] * 2
    assert shown["USD per 1,000 requests"] == ["2.591", "2.591"]
    assert "simulated: requests" not in shown


def test_a_figure_that_is_given_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--requests-per-day", "1000", "--burn-down", "10", "--concurrency", "2", "--simulate"])
    shown = rows(capsys.readouterr().out)
    assert "output tokens count as (tokens)" not in shown
    assert shown["throttles first"] == ["Lambda concurrency"] * 2
    assert shown["simulated: requests"][0] == shown["simulated: requests"][1]
    assert shown["simulated: under way, at most"] == ["2", "2"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--requests-per-day", "0"], "argument --requests-per-day: must be a number above 0; got '0'"),
        (["--requests-per-day", "-5"], "argument --requests-per-day: must be a number above 0; got '-5'"),
        (["--pace", "0"], "argument --pace: must be a number above 0; got '0'"),
        (["--concurrency", "nan"], "argument --concurrency: must be a number above 0; got 'nan'"),
        (["--thinking", "soon"], "argument --thinking: must be a number that is at least 0; got 'soon'"),
        (["--input-price", "inf"], "argument --input-price: must be a number that is at least 0; got 'inf'"),
        (["--peak", "0"], "argument --peak: must be a number from 1 to 3.2; got '0'"),
        (["--cached-tokens", "501"], "--input-tokens must be at least --cached-tokens and --written-tokens together"),
    ],
)
def test_a_number_that_cannot_be_counted_with_is_one_sentence(
    capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as end:
        main(options)

    assert end.value.code == 2
    assert capsys.readouterr().err.endswith(f"python -m capacity: error: {message}\n")


def test_every_other_number_can_be_zero(capsys: pytest.CaptureFixture[str]) -> None:
    """The least of every number gives a table."""
    numbers = [field.name for field in fields(Workload)] + list(FIGURES)
    least = {name: 1 if name in {"peak", *DIVISORS} else 0 for name in numbers}

    assert main([f"--{name.replace('_', '-')}={number}" for name, number in least.items()]) == 0
    assert rows(capsys.readouterr().out)["accounts or regions"]


def test_the_help_says_what_each_figure_is_with_its_unit_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "--thinking THINKING seconds until the model's first token: 1 " in shown
    assert "--gateway-price GATEWAY_PRICE API Gateway's requests, USD per million: 3.5 (aws.amazon.com" in shown
