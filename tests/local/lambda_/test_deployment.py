from pathlib import Path

from tests.local.toys import deployed


def test_none_removes_a_variable_of_the_platform(tmp_path: Path) -> None:
    """A profile in the user's configuration would lose against the platform's keys."""
    deployment = deployed(tmp_path, "", environment={"AWS_ACCESS_KEY_ID": None})

    assert "AWS_ACCESS_KEY_ID" not in deployment.environ("")
