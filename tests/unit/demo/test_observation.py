from dataclasses import replace

from examples.demo.observation import READY, UNACKED, Change, Consumers, Observation, queue_counts, with_status

EXPOSITION = f"""\
# HELP {READY} Messages ready.
# TYPE {READY} gauge
{READY}{{namespace="shop",queueconsumer="receipts",queue="receipts"}} 12.0
{READY}{{namespace="shop",queueconsumer="receipts",queue="receipts.eu"}} 3.0
{READY}{{namespace="shop",queueconsumer="invoices",queue="invoices"}} NaN
{READY}{{namespace="elsewhere",queueconsumer="receipts",queue="receipts"}} 99.0
# TYPE {UNACKED} gauge
{UNACKED}{{namespace="shop",queueconsumer="receipts",queue="receipts"}} 8.0
"""


def test_counts_are_of_this_namespace_and_summed_over_queues() -> None:
    assert queue_counts(EXPOSITION, metric=READY, namespace="shop") == {"receipts": 15}
    assert queue_counts(EXPOSITION, metric=UNACKED, namespace="shop") == {"receipts": 8}


def test_the_decision_in_words_comes_from_the_status() -> None:
    seen = with_status(
        Consumers(name="receipts"),
        {"spec": {"maxReplicas": 8}, "status": {"lastDecision": {"message": "40 messages / 20 per replica = 2"}}},
    )

    assert (seen.maximum, seen.decision) == (8, "40 messages / 20 per replica = 2")


def test_changes_come_from_the_history_of_the_status_the_oldest_first() -> None:
    down = {"time": "2026-11-22T07:10:20Z", "from": 2, "to": 0, "reason": "ScaledToZero", "message": "no messages"}
    up = {"time": "2026-11-22T07:09:49Z", "from": 0, "to": 2, "reason": "WokeUp", "message": "40 messages"}

    seen = with_status(Consumers(name="receipts"), {"spec": {"maxReplicas": 8}, "status": {"history": [down, up]}})

    assert seen.changes == (
        Change(at="2026-11-22T07:09:49Z", before=0, after=2, message="40 messages"),
        Change(at="2026-11-22T07:10:20Z", before=2, after=0, message="no messages"),
    )


def test_an_object_that_nobody_has_looked_at_has_no_decision() -> None:
    seen = with_status(Consumers(name="receipts"), {"spec": {"maxReplicas": 8}})

    assert (seen.decision, seen.changes) == ("", ())


def test_at_rest_needs_every_order_served_and_nobody_at_work() -> None:
    idle = tuple(Consumers(name=name, ready=0, unacked=0) for name in ("receipts", "invoices"))
    rest = Observation(consumers=idle, placed=3, confirmed=3, receipts=3, invoices=3)

    assert rest.at_rest
    assert not replace(rest, receipts=2).at_rest
    assert not replace(rest, placed=4).at_rest
    assert not replace(rest, consumers=(replace(idle[0], unacked=None), idle[1])).at_rest
    assert not replace(rest, consumers=(replace(idle[0], running=1), idle[1])).at_rest
