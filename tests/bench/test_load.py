import json

from bench.load import Log


def line(identifier: str, outcome: str) -> str:
    entry = {"level": "INFO", "message": "record published", "record": {"id": identifier, "outcome": outcome}}
    return json.dumps(entry)


def test_a_record_counts_once_and_a_second_one_is_named() -> None:
    log = Log()
    for text in (line("a", "completed"), line("b", "failed"), line("a", "completed")):
        log.read(text)

    assert log.records == {"a": "completed", "b": "failed"}
    assert log.repeated == ["a"]
    assert log.warnings == []


def test_what_is_neither_a_record_nor_usual_is_kept() -> None:
    log = Log()
    usual = [json.dumps({"level": "INFO", "message": "function started"}), json.dumps({"_aws": {}, "Requests": [1.0]})]
    unusual = [json.dumps({"level": "ERROR", "message": "request failed"}), "Traceback (most recent call last):"]
    for text in (*usual, *unusual):
        log.read(text)

    assert log.warnings == unusual
