"""The API server refuses: everything, or one resource, with 429, 500 or 403. A proxy before it does so."""

from __future__ import annotations

import time

import pytest

from tests.chaos.faulty_proxy import Fault, FaultyProxy, everything, of
from tests.chaos.operator_process import OperatorProcess
from tests.chaos.plane import until
from tests.chaos.scene import LEASE, Scene
from tests.told_figures import Say

pytestmark = pytest.mark.usefixtures("behind_proxy")

STORM = 7.0
"""Seconds: longer than a leader keeps the right to write without a renewal."""
SECONDARY = (
    "deployments", "statefulsets", "horizontalpodautoscalers", "pods", "events", "queueconsumers/status",
    "queueconsumers",
)  # fmt: skip
"""What the operator can do without for a while."""
MOST_PER_SECOND = 40.0
"""Requests of one process while everything is refused: for ten objects, two kinds of targets and the Lease."""


@pytest.mark.parametrize("status", [429, 500, 403])
def test_everything_is_refused(
    scene: Scene, proxy: FaultyProxy, behind_proxy: OperatorProcess, status: int, say: Say
) -> None:
    with proxy.injecting(Fault(about=everything, status=status)):
        asked, began = len(proxy.answered), time.monotonic()
        woken = scene.wake()
        until(lambda: not behind_proxy.leading, within=7, what="it leads no more")
        time.sleep(max(0.0, STORM - (time.monotonic() - began)))
        assert 0 == woken.replicas
        rate = (len(proxy.answered) - asked) / (time.monotonic() - began)
    took = woken.until_scaled(within=12)
    say(f"{STORM:.0f} s of {status}, from its end to the write for a message in between", took)

    assert rate < MOST_PER_SECOND


def test_its_lease_is_refused(scene: Scene, proxy: FaultyProxy, behind_proxy: OperatorProcess, say: Say) -> None:
    began = len(scene.plane.events())
    with proxy.injecting(Fault(about=of("leases"), status=403)):
        until(lambda: not behind_proxy.leading, within=7, what="it leads no more")
        woken = scene.wake()
        time.sleep(1)
        assert 0 == woken.replicas
    took = woken.until_scaled(within=12)
    say("leases answered with 403, from the end of it to the write", took)

    assert [] == scene.writes(since=began).unrightful(LEASE)


@pytest.mark.parametrize(
    ("collections", "status"),
    [
        (("deployments", "statefulsets"), 403),
        (("horizontalpodautoscalers",), 403),
        (("pods",), 403),
        (("events",), 403),
        (("queueconsumers/status",), 403),
        (("queueconsumers",), 403),
        (SECONDARY, 500),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else str(value),
)
def test_what_is_not_needed_for_a_write_does_not_hold_it_up(
    scene: Scene, proxy: FaultyProxy, collections: tuple[str, ...], status: int, say: Say
) -> None:
    faults = [Fault(about=of(collection), status=status) for collection in collections]
    asked = len(proxy.answered)
    with proxy.injecting(*faults):
        time.sleep(0.5)
        woken = scene.wake()
        took = woken.until_scaled(within=5)
        until(
            lambda: any(answer == status for _, _, answer in proxy.answered[asked:]),
            within=8,
            what="something is refused",
        )
    say(f"{', '.join(collections)} answered with {status}, to the write for a message", took)


def test_a_scale_that_is_forbidden_is_told_and_written_when_it_is_allowed(
    scene: Scene, proxy: FaultyProxy, say: Say
) -> None:
    with proxy.injecting(Fault(about=of("deployments/scale"), status=403)):
        woken = scene.wake()
        until(lambda: woken.condition()[1] == "TargetForbidden", within=5, what="the condition says so")
        assert "grant its ServiceAccount get and patch on its /scale" in woken.condition()[2]
    say("scale answered with 403, from the end of it to the write", woken.until_scaled(within=8))  # fmt: skip


def test_a_process_that_starts_during_a_storm_writes_nothing_before_it_knows(
    scene: Scene, proxy: FaultyProxy, behind_proxy: OperatorProcess, say: Say
) -> None:
    with proxy.injecting(Fault(about=of("queueconsumers"), status=500)):
        behind_proxy.end()
        behind_proxy.start()
        until(lambda: behind_proxy.answer("/readyz")[0] == 503, within=10, what="it answers that it is not ready")
        woken = scene.wake()
        time.sleep(4)
        assert (0, 503) == (woken.replicas, behind_proxy.answer("/readyz")[0])
    took = woken.until_scaled(within=20)
    say("started while QueueConsumers were answered with 500, from the end of it to the write", took)


def test_a_process_that_may_not_read_a_secret_leaves_replicas_alone(
    scene: Scene, proxy: FaultyProxy, behind_proxy: OperatorProcess, say: Say
) -> None:
    with proxy.injecting(Fault(about=of("secrets"), status=403)):
        behind_proxy.end()
        behind_proxy.start()
        until(lambda: scene.busy.condition()[1] == "SecretForbidden", within=15, what="the condition says so")
        assert "grant its ServiceAccount get on secrets" in scene.busy.condition()[2]
        woken = scene.wake()
        time.sleep(2)
        assert (6, 3, 0) == (scene.busy.replicas, scene.kept.replicas, woken.replicas)
    took = woken.until_scaled(within=10)
    say("started while Secrets were answered with 403, from the end of it to the write", took)
