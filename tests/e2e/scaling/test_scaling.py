"""The main job on a real cluster: replicas follow real messages, from zero to N and back, and nothing is redone."""

from collections.abc import Callable

import pytest

from tests.e2e.conftest import Command
from tests.e2e.scaling.workload import Workload

pytestmark = pytest.mark.cluster

COLUMNS = [
    "NAME",
    "TARGET",
    "READY",
    "UNACKED",
    "WAIT/OBJ",
    "REPLICAS",
    "MAX",
    "REASON",
    "LIMITED",
    "LAST",
    "SCALE",
    "AGE",
]

Make = Callable[[str], Workload]


def test_from_zero_to_n_in_one_step_and_back_to_zero_once_idle(make_workload: Make, kubectl: Command) -> None:
    receipts = make_workload("receipts")
    receipts.declare()
    # A broker puts 45 messages into a queue one by one, in some milliseconds. Who reads it then sees fewer; any number
    # above 40 means five replicas, and below it nothing happens yet.
    receipts.apply(activateAbove=40)
    receipts.until(lambda: receipts.replicas == 0, within=100, what="an idle Deployment of 1 goes to zero")

    receipts.publish(45, seconds=0.5)
    receipts.until(lambda: receipts.replicas, within=30, what="replicas are asked for")
    table = kubectl("-n", receipts.namespace, "get", "qc").splitlines()
    receipts.until(lambda: receipts.changes()[-2:] == [(0, 5), (5, 0)], within=120, what="five, then zero again")

    told = receipts.broker.taken(receipts.done)
    assert sorted(range(45)) == sorted(entry["id"] for entry in told)
    assert not any(entry["redelivered"] for entry in told)
    assert ["Idle", "WokeUp"] == [change["reason"] for change in receipts.status["history"][:2]]
    receipts.until(
        lambda: receipts.event_reasons()[-2:] == ["Activated", "ScaledToZero"], within=20, what="the events of both"
    )
    assert COLUMNS == table[0].split()
    assert "receipts" in table[1]


def test_between_the_thresholds_nothing_moves_and_below_them_replicas_go(make_workload: Make) -> None:
    invoices = make_workload("invoices")
    invoices.declare()
    invoices.publish(28, seconds=600)
    invoices.apply()
    invoices.until(lambda: invoices.replicas == 3, within=30, what="28 messages / 10 per replica = 3")
    invoices.until(lambda: invoices.ready_replicas == 3, within=90, what="all three are Ready")

    invoices.until(lambda: invoices.in_work == 3, within=30, what="each of them has a message")

    # 3 in work and 7 waiting: more than 8 = 2 * 4 messages keep three replicas, fewer than 31 need no fourth.
    invoices.broker.purge(invoices.name)
    invoices.publish(7, seconds=600, first=100)
    invoices.stays_at(3, seconds=75)

    invoices.broker.purge(invoices.name)
    invoices.until(lambda: invoices.replicas == 1, within=100, what="3 messages / 4 per replica = 1, after the window")
    invoices.until(lambda: invoices.changes()[-1:] == [(3, 1)], within=20, what="the change is in the status")
    assert "BacklogBelowTarget" == invoices.status["history"][0]["reason"]


def test_fewer_replicas_do_not_redeliver_what_is_in_work(make_workload: Make) -> None:
    slow = make_workload("slow")
    slow.declare()
    slow.publish(24, seconds=20)
    slow.apply()
    slow.until(lambda: slow.ready_replicas == 3, within=90, what="three replicas work")

    # maxReplicas is the user's word and takes effect at once, while each replica holds an unacknowledged message.
    slow.until(lambda: slow.in_work == 3, within=30, what="three in work")
    slow.apply(maxReplicas=1)
    slow.until(lambda: slow.replicas == 1, within=30, what="the lower maximum")
    slow.until(lambda: slow.status.get("currentReplicas") == 1, within=90, what="two pods have gone")
    slow.broker.purge(slow.name)
    slow.until(lambda: slow.replicas == 0, within=120, what="all in work is done")

    told = slow.broker.taken(slow.done)
    assert len(told) >= 3
    assert len({entry["id"] for entry in told}) == len(told)
    assert not any(entry["redelivered"] for entry in told)
