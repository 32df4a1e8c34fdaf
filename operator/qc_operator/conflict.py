"""Conflicts: somebody else scales the same target. The object then decides and explains, and writes nothing.

Two who write the same number in turn help nobody: replicas go up and down as often as both look. So there is one
writer, and the sentence says which, why, and what a person can do about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from qc_operator.ownership import Claim
from qc_operator.registry import Known
from qc_operator.resource import ScaleTargetRef
from qc_operator.scaling import pause

_IN_A_MANIFEST: Final = "remove spec.replicas from the manifest that it applies"

_ADVICE: Final = {
    "kube-controller-manager": "look for a HorizontalPodAutoscaler on the target and delete it",
    "keda": "look for a ScaledObject of KEDA on the target and delete it",
    "keda-operator": "look for a ScaledObject of KEDA on the target and delete it",
    "kubectl": (
        f"set the annotation {pause.REPLICAS} to hold a number, or remove spec.replicas from the manifest that is "
        "applied"
    ),
    "helm": "leave spec.replicas out of the chart's template, or out of its values",
}
"""What to do about a field manager. The names are those that the programs themselves give to the API server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """An object that has another controller scale the same target."""

    autoscaler: str
    """Name of a HorizontalPodAutoscaler; empty where there is none (yet)."""
    scaled_object: str = ""
    """Name of KEDA's ScaledObject that the HorizontalPodAutoscaler belongs to, or that acts by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Why nothing is written: the reason is always the word Conflict, and the message is for people."""

    kind: Literal["owner", "rival", "writer"]
    """Another QueueConsumer, another autoscaler, or a field manager that keeps changing the number back."""
    message: str


def standing(*, known: Known, owner: Claim | None, rival: Rival | None) -> Conflict | None:
    """What stands against an object that claims a target, as far as other objects go.

    `owner` owns the target by age, `rival` is on it. Nothing stands against `mode: Observe`, which writes nothing.
    """
    if known.spec is None or known.spec.mode == "Observe":
        return None
    ref = known.spec.scale_target_ref
    if owner is not None and owner.key != known.key:
        return _owned(known, by=owner, ref=ref)
    if rival is not None:
        return _contested(rival, ref=ref, namespace=known.key.namespace)
    return None


def _owned(known: Known, *, by: Claim, ref: ScaleTargetRef) -> Conflict:
    why = f"it is older (of {by.created}, this one of {known.created})"
    if by.created == known.created:
        why = f"both are of {by.created}, and its uid sorts first"
    return Conflict(
        kind="owner",
        message=f"QueueConsumer {by.key.name} scales {ref.kind} {ref.name}, because {why}; nothing is written for this "
        "one. Delete one of the two, or have one name another scaleTargetRef or set mode: Observe",
    )


def _contested(rival: Rival, *, ref: ScaleTargetRef, namespace: str) -> Conflict:
    if rival.scaled_object:
        by = f" by HorizontalPodAutoscaler {rival.autoscaler}" if rival.autoscaler else ""
        who, plural, name = f"KEDA's ScaledObject {rival.scaled_object}{by}", "scaledobject", rival.scaled_object
    else:
        who, plural, name = f"HorizontalPodAutoscaler {rival.autoscaler}", "hpa", rival.autoscaler
    return Conflict(
        kind="rival",
        message=f"{who} scales {ref.kind} {ref.name}, too; nothing is written until it is gone. Delete it "
        f"(kubectl -n {namespace} delete {plural} {name}), or set mode: Observe to compare the two",
    )


def of_writer(*, writer: str, replicas: int, times: int, pause_seconds: float) -> Conflict:
    """A field manager that has changed our number `times` times, to `replicas` last. A try follows after the pause."""
    advice = _ADVICE.get(writer, _IN_A_MANIFEST)
    return Conflict(
        kind="writer",
        message=f"{named(writer)} has changed replicas back {times} times, to {replicas} last; nothing is written for "
        f"{pause_seconds / 60:.0f} minutes, then the operator tries once. To end it, {advice}; a change of this "
        "QueueConsumer has it tried at once",
    )


def by_hand(*, writer: str, before: int, after: int) -> str:
    """Somebody else has set the replicas, which is his right; tells what comes of it."""
    return (
        f"{named(writer)} set replicas from {before} to {after}; the next decision sets them by the queues again; to "
        f'hold them, set the annotation {pause.REPLICAS}: "{after}"'
    )


def named(writer: str) -> str:
    """Who wrote, as the API server knows it: by a field manager's name, of which not every kind of object tells."""
    return f"field manager {writer}" if writer else "somebody"
