"""What the liveness probe finds, over HTTP. The limits of minutes are seconds here; all else is as it runs."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

import pytest

from tests.chaos.faulty_proxy import Fault, FaultyProxy, watches_of
from tests.chaos.operator_process import OperatorProcess
from tests.chaos.plane import until
from tests.chaos.scene import LEASE, Scene
from tests.told_figures import Say

IMPATIENT = """
import sys
from qc_operator import __main__, census
census.INTERVAL, census.DOUBT_INTERVAL = 1.0, 0.5
sys.exit(__main__.main())
"""


@pytest.fixture
def impatient(scene: Scene, proxy: FaultyProxy) -> Iterator[OperatorProcess]:
    """One that loses patience within seconds."""
    with scene.operator(proxy=proxy, program=("-c", IMPATIENT)) as process:
        process.until_ready()
        process.until_leading()
        yield process
        # What the probe has found was meant to be found.
        process.sick.clear()


def test_a_watch_that_is_dead_is_found(scene: Scene, proxy: FaultyProxy, impatient: OperatorProcess, say: Say) -> None:
    member = scene._member("not-shown")
    with proxy.injecting(Fault(about=watches_of("queueconsumers"), status=500)):
        time.sleep(1)
        member.create()
        until(lambda: impatient.answer("/healthz")[0] == 503, within=10, what="it is found")
        assert (503, "shop/not-shown exists, and the watch has not shown it\n") == impatient.answer("/healthz")
        woken = scene.wake()
        woken.until_scaled(within=3)
    took = until(lambda: impatient.answer("/healthz") == (200, "ok\n"), within=35, what="it is well again")
    say("watch dead, from its coming to life until the probe is content", took)
    scene.plane.call("DELETE", member.path)


def test_a_loop_that_is_stuck_answers_nobody_and_loses_its_lease(scene: Scene, say: Say) -> None:
    # Nobody reads what it logs, as when the container runtime hangs: a write to a full pipe does not return.
    reading, writing = os.pipe()
    began = len(scene.plane.events())
    try:
        with scene.operator("one", output=writing) as stuck:
            while not (stuck.leading and stuck.answer("/readyz")[0] == 200):
                os.read(reading, 65536)
            with scene.operator("two") as other:
                other.until_ready()
                _fill(writing)
                # It writes the replicas and then its log.
                first = scene.wake()
                until(lambda: stuck.answer("/healthz")[0] == 0, within=10, what="its loop is stuck")
                woken = scene.wake()
                took = woken.until_scaled(within=12)
                say("loop stuck, until the other one has written", took)
                assert (True, 1) == (other.leading, first.replicas)
                stuck.kill()
                stuck.sick.clear()
    finally:
        os.close(reading)
        os.close(writing)

    assert [] == scene.writes(since=began).unrightful(LEASE)


def _fill(pipe: int) -> None:
    """Write into a pipe until it is full, by a description of its own: the flag must not be the other writers', too."""
    descriptor = os.open(f"/proc/self/fd/{pipe}", os.O_WRONLY | os.O_NONBLOCK)
    try:
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(descriptor, b".")
    finally:
        os.close(descriptor)
