"""What the HPA's controller was recorded to do, replayed in a moment: needs no cluster and no program.

`python -m tests.e2e.hpa` records again; test_same_as_hpa.py proves that the controller still does it.
"""

import pytest

from devcluster.toolchain import KUBERNETES_VERSION
from tests.e2e.hpa import recording
from tests.e2e.hpa.cases import CASES
from tests.e2e.hpa.page import PAGE, differing, tables, written
from tests.e2e.hpa.replay import replayed

RECORDED = recording.read()


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.differs is None])
def test_replicas_are_the_hpas_at_each_sync(name: str) -> None:
    expected = [sync.replicas for sync in RECORDED[name]]

    assert expected == replayed(case=CASES[name], syncs=RECORDED[name])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.differs is not None])
def test_replicas_differ_where_it_is_listed(name: str) -> None:
    case = CASES[name]
    assert case.differs

    assert case.differs.syncs == len(differing(case=case, syncs=RECORDED[name]))


def test_every_case_was_recorded_with_its_series() -> None:
    expected = {name: case.series for name, case in CASES.items()}

    assert expected == {name: tuple(sync.value for sync in syncs) for name, syncs in RECORDED.items()}


@pytest.mark.parametrize("table", ["same", "different"])
def test_the_page_lists_what_was_compared(table: str) -> None:
    assert tables(RECORDED)[table] == written(table)


def test_the_page_names_the_release_that_is_compared_with() -> None:
    assert f"Kubernetes {KUBERNETES_VERSION}" in PAGE.read_text()
