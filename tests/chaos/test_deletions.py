"""What the operator works on is deleted under it, and made again: namespace, target, Secret, CRD.

A Secret is looked at every 30 s, so its end and its return are seen while the others are tested.
"""

from __future__ import annotations

import time

import pytest

from tests.chaos.members import Member
from tests.chaos.operator_process import OperatorProcess
from tests.chaos.plane import until
from tests.chaos.scene import BANK, SHOP, Scene
from tests.told_figures import Say

pytestmark = pytest.mark.usefixtures("operator")


def test_a_namespace_is_deleted_with_all_that_is_in_it(scene: Scene, operator: OperatorProcess, say: Say) -> None:
    scene.plane.start_namespace_controller()
    scene.vhosts["doomed"] = scene.vhosts[SHOP]
    scene.plane.namespace("doomed")
    scene.make_secret("doomed")
    plain = scene._member("doomed", namespace="doomed")
    held = scene._member(
        "doomed-held", namespace="doomed", before=2, spec={"restoreReplicasOnDelete": "Original"}
    )  # fmt: skip
    for member in (plain, held):
        member.create()
        member.publish(25)
    until(lambda: (3, 3) == (plain.replicas, held.replicas), within=8, what="they are served")
    assert scene.plane.call("GET", held.path)["metadata"]["finalizers"]

    scene.plane.call("DELETE", "/api/v1/namespaces/doomed")
    gone = until(
        lambda: scene.plane.call("GET", "/api/v1/namespaces/doomed") is None, within=45, what="the namespace is gone"
    )
    say("namespace with a finalizer of ours deleted, until it is gone", gone)
    resources = "queueconsumer_operator_resources"
    until(lambda: operator.metric(resources) == len(scene.members), within=10, what="its objects are forgotten")
    woken = scene.wake()
    woken.until_scaled(within=3)


def test_a_target_is_deleted_and_made_again(scene: Scene, say: Say) -> None:
    busy = scene.busy
    scene.plane.call("DELETE", f"{busy.targets}/{busy.name}")
    took = until(lambda: busy.condition()[1] == "TargetNotFound", within=8, what="the condition says so")
    say("target deleted, until the condition says so", took)
    busy.create_target()
    took = busy.until_scaled(within=8)
    say("target made again at 0, until it has its replicas", took)
    until(lambda: busy.condition()[0] == "True", within=8, what="the condition is true again")


def test_a_target_is_replaced_at_once(scene: Scene, say: Say) -> None:
    busy = scene.busy_set
    scene.plane.call("DELETE", f"{busy.targets}/{busy.name}")
    busy.create_target()
    say("target deleted and made again at once, until it has its replicas", busy.until_scaled(within=8))  # fmt: skip


def test_a_secret_is_deleted_and_made_again(scene: Scene, say: Say) -> None:
    scene.plane.call("DELETE", scene.secret(BANK))
    took = until(lambda: scene.bank_busy.condition()[1] == "SecretNotFound", within=40, what="the condition says so")
    say("Secret deleted, until the condition says so", took)
    scene.bank_idle.publish(9)
    time.sleep(2)
    assert (3, 0) == (scene.bank_busy.replicas, scene.bank_idle.replicas)
    woken = scene.wake()
    woken.until_scaled(within=3)

    scene.make_secret(BANK)
    took = until(lambda: scene.bank_idle.replicas == 1, within=8, what="it is acted on")
    say("Secret made again, to the write for a message in between", took)
    scene.let_rest(scene.bank_idle)


def test_the_crd_is_deleted_and_applied_again_while_messages_come(
    scene: Scene, operator: OperatorProcess, say: Say
) -> None:
    replicas = {member.name: member.replicas for member in scene.members}
    original = scene.original
    # It gets its replicas back.
    original.wants.append((time.time(), original.before))
    scene.plane.delete_crd()
    until(lambda: operator.metric("queueconsumer_operator_resources") == 0, within=15, what="nothing is served")
    scene.idle[0].publish(9)
    time.sleep(2)
    assert replicas | {"original": 2} == {member.name: member.replicas for member in scene.members}

    scene.plane.apply_crd()
    began = time.monotonic()
    original.wants.append((time.time(), 5))
    for member in scene.members:
        # The API server says that it initializes its storage for a second or two after the CRD is there.
        _create(scene, member)
    until(lambda: scene.idle[0].replicas == 1, within=40, what="a new object is served")
    say("CRD applied again with all objects, to the write for a message in between", time.monotonic() - began)
    say("CRD applied again with all objects, until all is well", scene.until_well(within=30))


def _create(scene: Scene, member: Member) -> None:
    collection = member.path.rpartition("/")[0]
    # A creation may be answered with an error while the storage is made, and have been made all the same.
    until(
        lambda: scene.plane.call("GET", member.path) or scene.plane.call("POST", collection, member.body()),
        within=10,
        what=f"{member.name} is made again",
    )
