"""The API server goes away, comes back, stands still, or waits for its etcd. The broker is read all the while."""

from __future__ import annotations

import time

import pytest

from tests.chaos.operator_process import OperatorProcess
from tests.chaos.plane import until
from tests.chaos.scene import Scene
from tests.told_figures import Say

pytestmark = pytest.mark.usefixtures("operator")


def test_it_is_well_before_anything_happens(scene: Scene, operator: OperatorProcess) -> None:
    scene.until_well()
    woken = scene.wake()
    woken.until_scaled(within=3)

    assert ["one"] == scene.writes().turns()
    assert [] == scene.writes().unrightful("queueconsumer-operator")
    assert operator.leading


@pytest.mark.parametrize(
    ("seconds", "within"), [(10.0, 10.0), (120.0, 15.0)], ids=["for 10 seconds", "for two minutes"]
)
def test_the_api_server_is_killed(
    scene: Scene, operator: OperatorProcess, seconds: float, within: float, say: Say
) -> None:
    pid = operator.process.pid
    scene.plane.kill_api_server()
    began = time.monotonic()
    time.sleep(seconds / 2)
    woken = scene.next_idle()
    woken.publish(9)
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    scene.plane.start_api_server()
    took = woken.until_scaled(within=within)
    say(f"API server away for {seconds:.0f} s, from its return to the write for a message in between", took)
    say(f"API server away for {seconds:.0f} s, until all is well", took + scene.until_well(within=45))

    assert pid == operator.process.pid
    assert operator.process.poll() is None


def test_an_object_that_is_made_after_an_outage_is_served(scene: Scene, say: Say) -> None:
    member = scene._member("after-outage")
    member.create()
    member.publish(15)
    say("after an outage, a new object is served within", member.until_scaled(within=15))
    scene.plane.call("DELETE", member.path)


def test_the_api_server_stands_still(scene: Scene, operator: OperatorProcess, say: Say) -> None:
    woken = scene.next_idle()
    with scene.plane.api_server_frozen():
        time.sleep(1)
        woken.publish(9)
        until(lambda: not operator.leading, within=7, what="it leads no more")
        time.sleep(2)
    say("API server stood still for 8 s, from its going on to the write", woken.until_scaled(within=12))


def test_etcd_is_slow(scene: Scene, say: Say) -> None:
    with scene.plane.etcd_stuttering(stopped=0.8, running=0.2):
        time.sleep(2)
        woken = scene.next_idle()
        woken.publish(9)
        time.sleep(7)
    say("etcd stopped for 0.8 of each second, from its end to the write", woken.until_scaled(within=12))
