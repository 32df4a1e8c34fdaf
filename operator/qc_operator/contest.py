"""Who scales a target: one of several QueueConsumers that name it, or another autoscaler beside them."""

from __future__ import annotations

from collections.abc import Iterable

from qc_operator import conflict
from qc_operator.conflict import Conflict
from qc_operator.ownership import Ownership, TargetId, claimed, target_id
from qc_operator.registry import Key, Known
from qc_operator.surroundings import RivalSource


class Contest:
    """Knows all QueueConsumers, also those that others serve, and the other autoscalers."""

    def __init__(self, *, rivals: RivalSource) -> None:
        self._rivals = rivals
        self._ownership = Ownership()

    def put(self, known: Known) -> Iterable[Key]:
        """Take in an object as it is now. Returns those for which the answer may be another one by that."""
        return self._ownership.put(known)

    def drop(self, key: Key) -> Iterable[Key]:
        """Forget an object. Returns those for which the answer may be another one by that."""
        return self._ownership.drop(key)

    def naming(self, target: TargetId) -> Iterable[Key]:
        """The objects that name a target."""
        return (claim.key for claim in self._ownership.claims(target))

    def conflict(self, known: Known) -> Conflict | None:
        """Why an object must not write, as far as others go; else None."""
        target = claimed(known)
        if target is None:
            return None
        return conflict.standing(known=known, owner=self._ownership.owner(known.key), rival=self._rivals.on(target))

    def alone(self, known: Known) -> bool:
        """Whether nobody else scales the target of an object that is being deleted."""
        if known.spec is None:
            return False
        target = target_id(namespace=known.key.namespace, ref=known.spec.scale_target_ref)
        return not self._ownership.claims(target) and self._rivals.on(target) is None
