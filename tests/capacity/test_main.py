"""The calculator's table."""

import pytest

from capacity.__main__ import main


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


def test_the_help_says_what_each_figure_is_with_its_unit_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "--thinking THINKING seconds until the model's first token: 1 " in shown
    assert "--gateway-price GATEWAY_PRICE API Gateway's requests, USD per million: 3.5 (aws.amazon.com" in shown
