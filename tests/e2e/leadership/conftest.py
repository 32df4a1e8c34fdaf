"""One control plane for all tests of this folder, and for each of them writers of its own."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devcluster import toolchain
from qc_operator.sharding import Shard
from tests.e2e.leadership.audited_plane import AuditedPlane
from tests.e2e.leadership.processes import Writers
from tests.e2e.leadership.writer import INSTALLATION, Settings
from tests.told_figures import Say, sayer
from tests.toxiproxy import Toxiproxy

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def helm() -> Path:
    return toolchain.programs()["helm"]


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory, helm: Path) -> Iterator[AuditedPlane]:
    plane = AuditedPlane(tmp_path_factory.mktemp("leadership"))
    try:
        plane.start()
        plane.until_served()
        plane.grant(helm)
        yield plane
    finally:
        plane.close()


@pytest.fixture(scope="session")
def network() -> Iterator[Toxiproxy]:
    with Toxiproxy() as server:
        yield server


@pytest.fixture
def writers(plane: AuditedPlane, tmp_path: Path) -> Iterator[Writers]:
    """Writers for the Lease of the one shard, which nobody has."""
    prepare(plane, "1/1")
    with Writers(plane, tmp_path, prefix=f"test-{next(_NUMBERS)}") as writers:
        yield writers


def prepare(plane: AuditedPlane, shard: str) -> None:
    """Have the Lease of a shard as if it had just been given back, and what its writers write."""
    objects = Settings(identity="", server="", authority="", token="", shard=shard).objects
    plane.prepare(objects, lease=Shard.parse(shard).lease(INSTALLATION))


@pytest.fixture
def say(record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]) -> Say:
    """Tell a figure, on the terminal and in the report."""
    return sayer(record_property=record_property, capsys=capsys, on_terminal=2, in_report=3)
