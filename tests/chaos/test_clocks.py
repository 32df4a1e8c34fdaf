"""Clocks that are set: the wall's by a day, forth and back, and a process whose monotonic clock is another one's."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chaos.operator_process import OperatorProcess
from tests.chaos.plane import until
from tests.chaos.scene import LEASE, Scene
from tests.told_figures import Say

DAY = 86_400
LIBRARY = "faketime/libfaketimeMT.so.1"
APART = ("unshare", "--time", f"--monotonic={30 * DAY}", f"--boottime={30 * DAY}")
"""A time namespace: its monotonic clocks run a month ahead."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One that leads, whose wall clock can be set, and one that stands by, whose monotonic clocks are ahead."""

    stepped: OperatorProcess
    apart: OperatorProcess
    offset: Path

    def step(self, seconds: int) -> None:
        """Set the clock, so many seconds from the true time."""
        self.offset.write_text(f"{seconds:+d}\n")


@pytest.fixture(scope="module")
def pair(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    there = subprocess.run([*APART, "cat", "/proc/uptime"], capture_output=True, text=True, check=True).stdout
    # Older kernels than 6.3 let only children into the namespace, and not a program that replaces another one.
    assert float(there.split()[0]) > 30 * DAY
    offset = tmp_path_factory.mktemp("clock") / "offset"
    offset.write_text("+0\n")
    environment = {
        "LD_PRELOAD": str(next(Path("/usr/lib").glob(f"*/{LIBRARY}"))),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with scene.operator("one", environment=environment) as stepped:
        stepped.until_leading()
        with scene.operator("two", wrapped=APART) as apart:
            apart.until_ready()
            yield Pair(stepped=stepped, apart=apart, offset=offset)


@pytest.mark.parametrize("seconds", [DAY, -DAY], ids=["a day forth", "two days back"])
def test_the_wall_clock_is_set(scene: Scene, pair: Pair, seconds: int, say: Say) -> None:
    began = len(scene.plane.events())
    pair.step(seconds)
    time.sleep(1)
    shown = time.strftime("%Y-%m-%d", time.localtime(time.time() + seconds))
    woken = scene.wake()
    took = woken.until_scaled(within=3)
    say(f"wall clock set by {seconds} s, to the write for a message", took)
    until(lambda: shown in pair.stepped.said(), within=3, what="its log has the other date")
    # The other one looks twice a second.
    time.sleep(2)
    scene.let_rest(woken)
    until(lambda: woken.replicas == 0, within=12, what="it goes to zero again")

    assert (True, False) == (pair.stepped.leading, pair.apart.leading)
    assert [woken.name] == sorted({write.name for write in scene.writes(since=began).scales})


def test_one_that_is_a_month_ahead_takes_over(scene: Scene, pair: Pair, say: Say) -> None:
    began = len(scene.plane.events())
    woken = scene.wake()
    woken.until_scaled(within=3)
    pair.stepped.kill()
    again = scene.next_idle()
    again.publish(9)
    took = again.until_scaled(within=12)
    say("SIGKILL of a leader whose clocks are others, to the next one's write", took)
    pair.stepped.start()
    pair.stepped.until_ready()

    assert pair.apart.leading
    assert took > 5
    assert [] == scene.writes(since=began).unrightful(LEASE)
