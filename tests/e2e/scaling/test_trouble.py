"""What is wrong is told in a condition, nothing moves for it, and it heals by itself."""

from base64 import b64encode
from collections.abc import Callable

import pytest

from tests.e2e.conftest import SYSTEM, Command
from tests.e2e.scaling.operator_process import kill_operator, leader, restarts
from tests.e2e.scaling.workload import SECRET, Workload

pytestmark = pytest.mark.cluster

Make = Callable[[str], Workload]


def test_a_missing_queue_moves_nothing_and_works_once_it_is_declared(make_workload: Make) -> None:
    later = make_workload("later")
    later.apply()
    later.until(lambda: later.condition("Ready")[1] == "QueueMissing", within=20, what="the condition")
    status, _, message = later.condition("Ready")
    assert ("False", True) == (status, "no such queue: later (vhost shop)" in message)
    later.stays_at(1, seconds=12)
    later.until(lambda: "QueueMissing" in later.event_reasons(), within=20, what="the event")

    later.declare()
    later.publish(25, seconds=600)
    later.until(lambda: later.replicas == 3, within=60, what="three replicas for 25 messages")
    later.until(lambda: later.condition("Ready")[:2] == ("True", "Scaling"), within=20, what="Ready")


def test_a_wrong_password_moves_nothing_and_heals_when_the_secret_is_mended(
    make_workload: Make, kubectl: Command
) -> None:
    locked = make_workload("locked")
    locked.declare()
    locked.publish(25, seconds=600)
    wrong = b64encode(b"not-the-password").decode()
    secret = f"locked-{SECRET}"
    namespace = locked.namespace
    kubectl("-n", namespace, "create", "secret", "generic", secret, f"--from-literal=host=rabbitmq.{namespace}.svc",
            "--from-literal=username=shop", "--from-literal=password=not-the-password",
            "--from-literal=vhost=shop")  # fmt: skip
    locked.apply(broker={"secretName": secret})
    locked.until(lambda: locked.condition("Ready")[1] == "AuthenticationFailed", within=20, what="the condition")
    locked.stays_at(1, seconds=12)
    told = (
        str(locked.status) + str(locked.events()) + kubectl("-n", SYSTEM, "logs", "deployment/queueconsumer-operator")
    )
    assert "not-the-password" not in told
    assert wrong not in told

    right = b64encode(b"example-only").decode()
    kubectl("-n", namespace, "patch", "secret", secret, "-p", f'{{"data":{{"password":"{right}"}}}}')
    locked.until(lambda: locked.replicas == 3, within=40, what="three replicas for 25 messages")
    locked.until(lambda: locked.condition("Ready")[0] == "True", within=20, what="Ready again")
    locked.until(lambda: "Recovered" in locked.event_reasons(), within=20, what="the event")


def test_a_missing_secret_and_a_missing_target_are_told(make_workload: Make) -> None:
    astray = make_workload("astray")
    astray.declare()
    astray.apply(broker={"secretName": "nowhere"})
    astray.until(lambda: astray.condition("Ready")[1] == "SecretNotFound", within=20, what="the Secret is missing")

    astray.apply(broker={"secretName": SECRET}, scaleTargetRef={"name": "nobody"})
    astray.until(lambda: astray.condition("Ready")[1] == "TargetNotFound", within=20, what="the target is missing")
    assert "nobody" in astray.condition("Ready")[2]


def test_deleting_the_queueconsumer_leaves_the_replicas(make_workload: Make, kubectl: Command) -> None:
    kept = make_workload("kept")
    kept.declare()
    kept.publish(25, seconds=600)
    kept.apply()
    kept.until(lambda: kept.replicas == 3, within=30, what="three replicas for 25 messages")

    kubectl("-n", kept.namespace, "delete", "queueconsumer", "kept")

    kept.stays_at(3, seconds=15)


def test_deleting_the_queueconsumer_gives_the_replicas_back_if_that_is_asked_for(
    make_workload: Make, kubectl: Command
) -> None:
    lent = make_workload("lent")
    lent.declare()
    lent.publish(25, seconds=600)
    lent.apply(restoreReplicasOnDelete="Original")
    lent.until(lambda: lent.replicas == 3, within=30, what="three replicas for 25 messages")

    kubectl("-n", lent.namespace, "delete", "queueconsumer", "lent", "--timeout=30s")

    lent.stays_at(1, seconds=10)


def test_the_operator_killed_under_load_moves_nothing_by_itself_and_goes_on(
    make_workload: Make, kubectl: Command
) -> None:
    busy = make_workload("busy")
    busy.declare()
    busy.publish(25, seconds=600)
    busy.apply()
    busy.until(lambda: busy.replicas == 3, within=30, what="three replicas for 25 messages")
    busy.until(lambda: busy.changes() == [(1, 3)], within=20, what="the change is in the status")
    before, killed = restarts(kubectl), leader(kubectl)

    kill_operator(kubectl)
    busy.until(lambda: leader(kubectl) not in {"", killed}, within=12, what="the other operator leads")
    busy.stays_at(3, seconds=20)
    busy.until(lambda: restarts(kubectl) == before + 1, within=60, what="Kubernetes restarts the one that was killed")
    assert busy.changes() == [(1, 3)]

    busy.publish(20, seconds=600, first=100)
    busy.until(lambda: busy.replicas == 5, within=60, what="five replicas for 45 messages, by the new leader")


def test_the_operator_may_read_a_secret_but_not_list_secrets(operator: str, kubectl: Command) -> None:
    who = f"--as=system:serviceaccount:{SYSTEM}:{operator}"

    def may(*what: str) -> bool:
        return kubectl("auth", "can-i", *what, who, "--all-namespaces", "--quiet", "--v=0") is not None

    assert may("get", "secrets")
    with pytest.raises(pytest.fail.Exception):
        may("list", "secrets")
    with pytest.raises(pytest.fail.Exception):
        may("patch", "deployments")
