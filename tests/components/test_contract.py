"""The component reads the contract wherever it is: the tests of the wheel are in test_wheel."""

import subprocess
import sys
from pathlib import Path

import function.arguments
import function.claude
import function.contract
from components import contract

REPOSITORY = Path(__file__).resolve().parents[2]


def test_in_a_checkout_the_contract_is_the_functions_own() -> None:
    assert not contract.IN_WHEEL
    assert contract.SETTINGS is function.contract.SETTINGS


def test_every_name_is_the_contracts_own() -> None:
    offered = {name: value for name, value in vars(contract).items() if not name.startswith("_")}
    own = {name: value for name, value in offered.items() if name not in {"IN_WHEEL", "Path", "Final"}}

    assert len(own) > 10
    theirs = {**vars(function.arguments), **vars(function.claude), **vars(function.contract)}
    assert {name: value for name, value in own.items() if value is not theirs[name]} == {}


def test_the_bundle_is_imported_without_pulumi_or_the_component() -> None:
    program = """
import sys
import components.bundle.__main__
print(sorted({"pulumi", "pulumi_aws", "components.arguments", "function.handler"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_plugin_host_starts_from_another_folder(tmp_path: Path) -> None:
    """It asks for the engine's address; by then it has imported the component, and read the contract."""
    (tmp_path / "function").mkdir()
    (tmp_path / "function" / "contract.py").write_text("raise SystemExit('the wrong function')")
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "components")], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip().endswith("components: error: the following arguments are required: engine")
