from kubernetes import client

from examples.demo.chart import Step
from examples.demo.replica_history import ReplicaHistory, first_above_zero


def test_only_changes_are_kept_with_their_time() -> None:
    moments = iter([1.0, 2.0, 3.0, 4.0])
    history = ReplicaHistory(client.AppsV1Api(), namespace="shop", clock=lambda: next(moments))
    for wanted, running in ((0, 0), (8, 0), (8, 5), (8, 5)):
        history.note("receipts", wanted=wanted, running=running)

    assert history.wanted("receipts") == [Step(at=1.0, value=0), Step(at=2.0, value=8)]
    assert history.running("receipts") == [Step(at=1.0, value=0), Step(at=3.0, value=5)]


def test_deployments_that_are_no_consumers_are_passed_over() -> None:
    history = ReplicaHistory(client.AppsV1Api(), namespace="shop")
    history.note("mail", wanted=1, running=1)

    assert history.wanted("receipts") == []


def test_the_first_replica_is_the_first_above_zero() -> None:
    assert first_above_zero([Step(at=1.0, value=0), Step(at=2.5, value=8), Step(at=3.0, value=4)]) == 2.5
    assert first_above_zero([Step(at=1.0, value=0)]) is None
