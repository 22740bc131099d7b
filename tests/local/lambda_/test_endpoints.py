import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from botocore.session import Session

from function.contract import SERVICES
from local.lambda_.deployment import Deployment
from local.lambda_.endpoints import without_services
from local.twin import CHECKOUT

REGIONS = ("eu-central-1", "us-gov-west-1", "cn-north-1")


def known_by_clients() -> Iterator[object]:
    """Yield what a client of each service has from the list of endpoints."""
    session = Session()
    for service, region in product(SERVICES, REGIONS):
        client = session.create_client(service, region)
        config = vars(client.meta.config)
        yield client.meta.endpoint_url, client.meta.partition, config["signature_version"], config["region_name"]


def test_the_function_finds_its_services_by_the_short_list_too(monkeypatch: pytest.MonkeyPatch) -> None:
    by_the_whole_list = list(known_by_clients())
    folder = without_services(Deployment(Path("/nowhere")))["AWS_DATA_PATH"]
    assert folder
    monkeypatch.setenv("AWS_DATA_PATH", folder)
    assert list(known_by_clients()) == by_the_whole_list


def test_a_bundle_and_a_function_with_other_services_read_the_list_that_they_have(tmp_path: Path) -> None:
    (tmp_path / "botocore").mkdir()
    for deployment in (Deployment(tmp_path), Deployment(Path("/nowhere"), {"LLM_SERVICES": "cloudwatch"})):
        assert without_services(deployment) == {"AWS_DATA_PATH": None}


def test_local_stacks_that_start_at_once_share_a_list_until_the_process_ends() -> None:
    program = """
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from local.lambda_.deployment import Deployment
from local.lambda_.endpoints import without_services

with ThreadPoolExecutor(8) as pool:
    found = pool.map(lambda _: without_services(Deployment(Path("/nowhere")))["AWS_DATA_PATH"], range(8))
    print(*{*found})
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    [folder] = done.stdout.split()
    assert (Path(folder).exists(), done.stderr) == (False, "")
