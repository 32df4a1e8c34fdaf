"""Watches that end with 410 or 500, as an answer and as an event, and what happens in the gap."""

from __future__ import annotations

import time

import pytest

from tests.chaos.faulty_proxy import Fault, FaultyProxy, of, watches_of
from tests.chaos.operator_process import OperatorProcess
from tests.chaos.plane import until
from tests.chaos.scene import Scene
from tests.told_figures import Say

pytestmark = pytest.mark.usefixtures("behind_proxy")


@pytest.mark.parametrize(("status", "how"), [(410, "answer"), (410, "event"), (500, "event")])
def test_every_watch_ends(scene: Scene, proxy: FaultyProxy, status: int, how: str, say: Say) -> None:
    with proxy.injecting(Fault(about=lambda asked: asked.watch, status=status, in_stream=how == "event")):
        asked = len(proxy.answered)
        time.sleep(2)
        woken = scene.wake()
        took = woken.until_scaled(within=5)
        time.sleep(1)
        rate = (len(proxy.answered) - asked) / 3
        member = scene._member(f"in-the-gap-of-{status}-{how}")
        member.create()
        member.publish(12)
    say(f"every watch ends with {status} as an {how}, to the write for a message", took)
    seen = until(lambda: member.replicas == 2, within=35, what="an object made in the gap is served")
    say(
        f"every watch ends with {status} as an {how}, from the end of it until an object made in between is served",
        seen,
    )
    scene.plane.call("DELETE", member.path)

    assert rate < 20


def test_what_is_deleted_in_a_gap_is_forgotten(
    scene: Scene, proxy: FaultyProxy, behind_proxy: OperatorProcess, say: Say
) -> None:
    member, again = scene._member("deleted-in-the-gap"), scene._member("deleted-and-made-again")
    for made in (member, again):
        made.create()
        made.publish(25)
        made.until_scaled(within=5)
    with proxy.injecting(Fault(about=watches_of("queueconsumers"), status=410)):
        for made in (member, again):
            scene.plane.call("DELETE", made.path)
        again.create_object()
        time.sleep(3)
    served = "queueconsumer_operator_resources"
    # The first status of the one that is gone is refused. Without one, it takes as long as until the next count.
    member.publish(10)
    took = until(lambda: behind_proxy.metric(served) == len(scene.members) + 1, within=35, what="it is forgotten")
    say("deleted while watches end with 410, until it is forgotten", took)
    replicas = member.replicas
    for made in (member, again):
        made.purge()
    until(lambda: again.replicas == 0, within=15, what="the one that was made again is served")
    scene.plane.call("DELETE", again.path)

    assert replicas == member.replicas


def test_a_target_that_is_scaled_in_a_gap_is_set_right(scene: Scene, proxy: FaultyProxy, say: Say) -> None:
    target = f"{scene.busy.targets}/{scene.busy.name}"
    with proxy.injecting(Fault(about=of("deployments"), status=500)):
        time.sleep(1)
        deployment = scene.plane.call("GET", target)
        deployment["spec"]["replicas"] = 1
        assert scene.plane.call("PUT", target, deployment)
        time.sleep(2)
    took = scene.busy.until_scaled(within=12)
    say("target scaled by hand while its watch is away, until it is set right", took)
