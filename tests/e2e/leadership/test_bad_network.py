"""A fault-injecting proxy between the leader and the API server: never two writers at once, and it heals."""

import os
import time
from collections.abc import Callable

import pytest

from tests.e2e.hpa.control_plane import HOST
from tests.e2e.leadership.audited_plane import LEASES, AuditedPlane
from tests.e2e.leadership.processes import Writers, until
from tests.e2e.leadership.writer import INSTALLATION
from tests.toxiproxy import Proxy, Toxiproxy

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.environ.get("DEMO_CLUSTER") == "current", reason="runs programs of devcluster"),
]

LASTING = 12.0
"""Seconds of trouble: longer than a Lease."""


@pytest.fixture
def way(network: Toxiproxy, plane: AuditedPlane) -> Proxy:
    return network.proxy(HOST, plane.port, abrupt=True)


@pytest.fixture
def pair(writers: Writers, way: Proxy) -> tuple[str, str]:
    """One that leads by the bad way, and one that stands by."""
    leader = writers.start("far", port=way.port)
    writers.until_writing(leader)
    other = writers.start("near")
    writers.until_standing_by(other)
    return leader, other


@pytest.mark.parametrize(
    ("trouble", "lost"),
    [
        pytest.param(Proxy.blackhole, {True}, id="blackhole"),
        pytest.param(Proxy.reset_peer, {True}, id="reset"),
        pytest.param(Proxy.cut, {True}, id="refused"),
        pytest.param(lambda way: way._add("slow_close", "downstream", delay=3000), {False}, id="slow close"),
        pytest.param(lambda way: way.latency(3000), {True}, id="latency above what a renewal may take"),
        pytest.param(lambda way: way.latency(1200, jitter=1200), {True, False}, id="latency around it"),
    ],
)
def test_never_two_write(
    writers: Writers, way: Proxy, pair: tuple[str, str], trouble: Callable[[Proxy], None], lost: set[bool]
) -> None:
    """`lost`: whether the leader loses its Lease to the other one."""
    trouble(way)
    time.sleep(LASTING)
    way.heal()
    time.sleep(3)
    count = len(writers.history().writes)
    until(lambda: len(writers.history().writes) > count, what="somebody writes")

    history = writers.history()
    assert [] == history.unrightful()
    assert history.turns() in [[*pair] if was_lost else [pair[0]] for was_lost in lost]


def test_latency_that_leaves_time_for_a_renewal_changes_nothing(
    writers: Writers, way: Proxy, pair: tuple[str, str]
) -> None:
    way.latency(800)
    time.sleep(LASTING)

    assert ([], [pair[0]]) == (writers.history().unrightful(), writers.history().turns())


def test_a_write_that_the_network_delivers_late_is_refused_where_it_names_what_it_builds_on(
    writers: Writers, way: Proxy, pair: tuple[str, str]
) -> None:
    leader, other = pair
    way.stall()
    writers.until_writing(other)
    healed = time.time()
    way.heal()
    time.sleep(4)

    history = writers.history()
    late = [found for found in history.tries if found.by == leader and found.received > healed]
    assert [] == history.unrightful(to="deployments/scale")
    # They were sent while their process led, one of each kind, and nobody can call them back. The scale is safe by the
    # resourceVersion; mostly the API server gives both up, because whoever sent them is gone.
    assert {409, 504} >= {found.status for found in late if found.to == "deployments/scale"}
    assert len([found for found in late if found.to == "configmaps"]) <= 1
    # What was given up was not made: the one that leads would have met a conflict.
    assert [] == [found for found in history.tries if found.by == other and found.status == 409]


def test_a_lease_deleted_while_its_holder_cannot_see_it(
    writers: Writers, plane: AuditedPlane, way: Proxy, pair: tuple[str, str]
) -> None:
    leader, other = pair
    way.blackhole()
    plane.call("DELETE", f"{LEASES}/{INSTALLATION}")
    until(lambda: (plane.lease() or {}).get("spec", {}).get("holderIdentity") == other, what="the other one has it")
    writers.until_writing(other)

    history = writers.history()
    assert ([], [leader, other]) == (history.unrightful(), history.turns())
    assert history.gap(leader, other) > 7
