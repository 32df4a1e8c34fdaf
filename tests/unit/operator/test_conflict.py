"""The sentences of a conflict: who scales the target, why not this object, and what to do."""

from typing import Any

import pytest

from qc_operator import conflict, transitions
from qc_operator.conditions import Condition
from qc_operator.conflict import Conflict, Rival
from qc_operator.ownership import Claim
from qc_operator.readiness import active, readiness
from qc_operator.registry import Key, Known, read
from qc_operator.reporting import Findings
from tests.unit.operator.conftest import Story, body, entries, known, missing

KEY = Key("shop", "receipts")
OLD, YOUNG = "2026-11-01T08:00:00Z", "2026-11-20T08:00:00Z"


def seen(**spec: Any) -> Known:
    metadata = {"namespace": "shop", "name": "receipts", "uid": "2", "creationTimestamp": YOUNG}
    return read({"metadata": metadata, "spec": body(**spec)})


OURS = Claim(created=YOUNG, uid="2", key=KEY)
OTHER = Claim(created=OLD, uid="1", key=Key("shop", "receipts-of-old"))
HPA = Rival(autoscaler="receipts")
KEDA = Rival(autoscaler="keda-hpa-mails", scaled_object="mails")


def test_the_owner_of_a_target_without_rivals_has_no_conflict() -> None:
    assert conflict.standing(known=seen(), owner=OURS, rival=None) is None


def test_another_queue_consumer_is_named_with_the_reason_why_it_owns() -> None:
    assert Conflict(
        kind="owner",
        message="QueueConsumer receipts-of-old scales Deployment receipts, because it is older (of "
        "2026-11-01T08:00:00Z, this one of 2026-11-20T08:00:00Z); nothing is written for this one. Delete one of "
        "the two, or have one name another scaleTargetRef or set mode: Observe",
    ) == conflict.standing(known=seen(), owner=OTHER, rival=HPA)


def test_of_two_of_the_same_second_the_uid_decides() -> None:
    found = conflict.standing(known=seen(), owner=Claim(YOUNG, "1", OTHER.key), rival=None)

    assert found is not None
    assert "because both are of 2026-11-20T08:00:00Z, and its uid sorts first; nothing" in found.message


@pytest.mark.parametrize(
    ("rival", "sentence"),
    [
        (
            HPA,
            (
                "HorizontalPodAutoscaler receipts scales Deployment receipts, too; nothing is written until it is "
                "gone. Delete it (kubectl -n shop delete hpa receipts), or set mode: Observe to compare the two"
            ),
        ),
        (
            KEDA,
            (
                "KEDA's ScaledObject mails by HorizontalPodAutoscaler keda-hpa-mails scales Deployment receipts, too; "
                "nothing is written until it is gone. Delete it (kubectl -n shop delete scaledobject mails), or set "
                "mode: Observe to compare the two"
            ),
        ),
        (
            Rival(autoscaler="", scaled_object="mails"),
            (
                "KEDA's ScaledObject mails scales Deployment receipts, too; nothing is written until it is gone. "
                "Delete it (kubectl -n shop delete scaledobject mails), or set mode: Observe to compare the two"
            ),
        ),
    ],
    ids=["an HPA", "KEDA's HPA", "a ScaledObject"],
)
def test_another_autoscaler_is_named_with_the_command_that_removes_it(rival: Rival, sentence: str) -> None:
    assert Conflict(kind="rival", message=sentence) == conflict.standing(known=seen(), owner=OURS, rival=rival)


def test_who_only_observes_has_no_conflict() -> None:
    assert conflict.standing(known=seen(mode="Observe"), owner=None, rival=HPA) is None


def test_who_is_invalid_has_other_troubles() -> None:
    assert conflict.standing(known=seen(maxReplicas=0), owner=None, rival=HPA) is None


@pytest.mark.parametrize(
    ("writer", "advice"),
    [
        ("argocd-controller", "remove spec.replicas from the manifest that it applies"),
        ("kubectl-client-side-apply", "remove spec.replicas from the manifest that it applies"),
        ("helm", "leave spec.replicas out of the chart's template, or out of its values"),
        ("kube-controller-manager", "look for a HorizontalPodAutoscaler on the target and delete it"),
        ("keda", "look for a ScaledObject of KEDA on the target and delete it"),
        (
            "kubectl",
            (
                "set the annotation queueconsumer.dev/paused-replicas to hold a number, or remove spec.replicas from "
                "the manifest that is applied"
            ),
        ),
    ],
)
def test_what_to_do_about_a_writer_is_told_by_who_it_is(writer: str, advice: str) -> None:
    found = conflict.of_writer(writer=writer, replicas=2, times=4, pause_seconds=600.0)

    assert (
        f"field manager {writer} has changed replicas back 4 times, to 2 last; nothing is written for 10 minutes, then "
        f"the operator tries once. To end it, {advice}; a change of this QueueConsumer has it tried at once"
    ) == found.message
    assert "writer" == found.kind


def test_a_writer_that_the_kind_of_object_does_not_tell_is_somebody() -> None:
    found = conflict.of_writer(writer="", replicas=2, times=3, pause_seconds=300.0)

    assert found.message.startswith("somebody has changed replicas back 3 times, to 2 last;")


FOUGHT = conflict.of_writer(writer="helm", replicas=2, times=3, pause_seconds=300.0)


def test_ready_tells_the_conflict_before_all_else(story: Story) -> None:
    told = readiness(problem=None, entries=entries(missing(at=story.now)), spec=story.spec, conflict=FOUGHT)

    assert Condition(type="Ready", status="False", reason="Conflict", message=FOUGHT.message) == told


@pytest.mark.parametrize(("replicas", "reason"), [(0, "MessagesReady"), (2, "ReplicasRunning")])
def test_active_tells_of_the_replicas_that_there_are_and_not_of_those_that_were_not_written(
    story: Story, replicas: int, reason: str
) -> None:
    story.replicas = replicas
    seen = known(ready=95, unacknowledged=0, at=story.now)

    told = active(decision=story.turn(seen), entries=entries(seen), conflict=FOUGHT)

    assert ("True", reason) == (told.status, told.reason)
    assert (told.message == "messages wait, and somebody else scales the target") is (replicas == 0)


def test_a_conflict_is_one_event_when_it_begins_and_one_when_it_ends() -> None:
    ready = {
        reason: {"type": "Ready", "status": "True" if reason == "Scaling" else "False", "reason": reason}
        for reason in ("Scaling", "Conflict")
    }
    fought = Findings(conditions=(Condition(type="Ready", status="False", reason="Conflict", message=FOUGHT.message),))
    well = Findings(conditions=(Condition(type="Ready", status="True", reason="Scaling", message="1 queue read"),))

    told = [
        [(event.reason, event.warning) for event in transitions.events(findings=findings, previous=[ready[before]])]
        for findings, before in ((fought, "Scaling"), (fought, "Conflict"), (well, "Conflict"), (well, "Scaling"))
    ]

    assert [[("Conflict", True)], [], [("Recovered", False)], []] == told


def test_a_number_set_by_hand_is_an_event_with_its_author() -> None:
    note = conflict.by_hand(writer="kubectl", before=5, after=7)
    ready = Condition(type="Ready", status="True", reason="Scaling", message="1 queue read")

    told = transitions.events(findings=Findings(conditions=(ready,), by_hand=note), previous=[])

    assert [("ScaledByHand", note, False)] == [(event.reason, event.note, event.warning) for event in told]
    assert (
        "field manager kubectl set replicas from 5 to 7; the next decision sets them by the queues again; "
        'to hold them, set the annotation queueconsumer.dev/paused-replicas: "7"'
    ) == note
