"""The same replicas as the HorizontalPodAutoscaler's own controller, for the same metric at the same times.

It takes 50 s, during which all cases run at the same time; `recorded.json` holds what it gave, for test_recorded.py.
"""

import asyncio
import os
from collections.abc import Iterator

import pytest

from tests.e2e.hpa import recording
from tests.e2e.hpa.cases import CASES
from tests.e2e.hpa.control_plane import ControlPlane
from tests.e2e.hpa.measuring import measured
from tests.e2e.hpa.page import differing
from tests.e2e.hpa.recording import Recordings
from tests.e2e.hpa.replay import replayed

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.environ.get("DEMO_CLUSTER") == "current", reason="runs programs of devcluster"),
]


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recordings]:
    """What the controller does with all cases."""
    folder = tmp_path_factory.mktemp("hpa")
    plane = ControlPlane(folder)
    try:
        plane.start()
        yield asyncio.run(measured(cases=CASES, plane=plane, folder=folder))
    finally:
        plane.close()


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.differs is None])
def test_replicas_are_the_hpas_at_each_sync(name: str, controller: Recordings) -> None:
    expected = [sync.replicas for sync in controller[name]]

    assert expected == replayed(case=CASES[name], syncs=controller[name])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.differs is not None])
def test_replicas_differ_where_it_is_listed(name: str, controller: Recordings) -> None:
    case = CASES[name]
    assert case.differs

    assert case.differs.syncs == len(differing(case=case, syncs=controller[name]))


@pytest.mark.parametrize("name", CASES)
def test_the_controller_does_what_was_recorded(name: str, controller: Recordings) -> None:
    expected = [(sync.value, sync.replicas) for sync in recording.read()[name]]

    assert expected == [(sync.value, sync.replicas) for sync in controller[name]]
