from pathlib import Path

from function.contract import VERSION
from function.version import BUILD_FILE, SERVICE_VERSION, read_version


def test_the_bundle_names_the_build(tmp_path: Path) -> None:
    file = tmp_path / "build.txt"
    file.write_text("0.1.0+3f9a1c2\n")

    assert read_version(file) == "0.1.0+3f9a1c2"


def test_a_checkout_says_that_it_is_not_a_bundle() -> None:
    assert not BUILD_FILE.exists()
    assert f"{VERSION}+unbundled" == SERVICE_VERSION
