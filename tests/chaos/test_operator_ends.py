"""The operator ends, by order, by force, or stands still, and another one is there, or it comes again."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from qc_operator import VERSION
from tests.chaos.operator_process import OperatorProcess
from tests.chaos.plane import LEASES, until
from tests.chaos.scene import LEASE, Scene
from tests.e2e.hpa.control_plane import HOST
from tests.told_figures import Say

WINDOW = 10
"""Seconds of stabilization of a target that is to go down once the operator has looked at it for so long."""


@pytest.fixture(scope="module")
def pair(scene: Scene) -> Iterator[list[OperatorProcess]]:
    """Two processes; the first one leads at first."""
    with scene.operator("one") as one:
        one.until_leading()
        with scene.operator("two") as two:
            two.until_ready()
            yield [one, two]


def _leader(pair: list[OperatorProcess]) -> tuple[OperatorProcess, OperatorProcess]:
    until(lambda: sum(process.leading for process in pair) == 1, within=12, what="one of them leads")
    return (pair[0], pair[1]) if pair[0].leading else (pair[1], pair[0])


def test_the_page_of_the_leader_shows_all_and_that_of_the_other_who_leads(
    scene: Scene, pair: list[OperatorProcess]
) -> None:
    leader, other = _leader(pair)
    woken = scene.next_idle()
    woken.publish(9)
    woken.until_scaled(within=3)
    shown, refused = _page(leader), _page(other)

    rows = {(row["namespace"], row["name"]): row for row in shown["items"]}
    assert {(member.namespace, member.name) for member in scene.members} <= set(rows)
    assert woken.replicas == rows[woken.namespace, woken.name]["moved"]["to"]
    assert leader.user == shown["operator"]["leader"]
    assert {"error": f"this pod stands by: {leader.user} leads", "leader": leader.user} == refused


def _page(process: OperatorProcess) -> dict[str, Any]:
    """What its page has of all QueueConsumers."""
    connection = http.client.HTTPConnection(HOST, process.page_port, timeout=5)
    try:
        connection.request("GET", "/api/v1/queueconsumers")
        told: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return told


def test_the_leader_is_told_to_end(scene: Scene, pair: list[OperatorProcess], say: Say) -> None:
    leader, other = _leader(pair)
    began = len(scene.plane.events())
    scene.wake()
    assert 0 == leader.end()
    again = scene.next_idle()
    again.publish(9)
    took = again.until_scaled(within=3)
    say("SIGTERM of the leader, from its end to the other one's write", took)
    leader.start()
    leader.until_ready()

    assert other.leading
    # The audit log tells processes apart by what they sign with, which is what they are called as holders of the Lease.
    holder = scene.plane.call("GET", f"{LEASES}/{LEASE}")["spec"]["holderIdentity"]
    assert f"queueconsumer-operator/{VERSION} ({holder})" in {
        event["userAgent"] for event in scene.plane.events()[began:] if event["user"]["username"] == other.user
    }
    first = other.said().splitlines()[0]
    assert f"queueconsumer-operator {VERSION} serves shard 1/1 of all namespaces as {holder}; log level INFO" in first
    assert [] == scene.writes(since=began).unrightful(LEASE)
    assert {other.user} >= {write.by for write in scene.writes(since=began).of(again.name)}


def test_the_leader_stands_still_for_longer_than_its_lease(scene: Scene, pair: list[OperatorProcess], say: Say) -> None:
    leader, other = _leader(pair)
    log = len(scene.plane.events())
    leader.freeze()
    woken = scene.next_idle()
    woken.publish(9)
    took = woken.until_scaled(within=12)
    say("SIGSTOP of the leader, to the other one's write", took)
    time.sleep(3)
    began = len(scene.plane.events())
    leader.go_on()
    until(lambda: not leader.leading, within=3, what="it has noticed")
    again = scene.next_idle()
    again.publish(9)
    again.until_scaled(within=3)
    time.sleep(2)

    assert [] == scene.writes(since=log).unrightful(LEASE)
    assert [other.user] == scene.writes(since=began).turns()


def test_nothing_moves_because_it_ends_and_comes_again(scene: Scene, pair: list[OperatorProcess], say: Say) -> None:
    member = scene._member(
        "watched", before=3, spec={"behavior": {"scaleDown": {"stabilizationWindowSeconds": WINDOW}}}
    )
    member.create()
    member.publish(25)
    until(lambda: (3, "True") == (member.replicas, member.condition()[0]), within=10, what="it is served")
    for process in pair:
        process.kill()
    member.purge()
    began, log = time.monotonic(), len(scene.plane.events())
    for process in pair:
        process.start()
    _leader(pair)
    led = time.monotonic()
    say("both killed and started again, until one of them leads", led - began)
    lowered = until(lambda: member.replicas != 3, within=WINDOW + 15, what="it goes down in the end")
    say(f"queue emptied meanwhile, window of {WINDOW} s, from leading to the step down", lowered)
    writes = scene.writes(since=log)
    scene.plane.call("DELETE", member.path)

    assert lowered >= WINDOW - 1
    assert ["watched"] == sorted({write.name for write in writes.scales})
