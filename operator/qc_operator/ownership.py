"""Which QueueConsumer owns a scale target that several name: the oldest.

As the Gateway API resolves conflicts: the oldest `creationTimestamp` wins, so that what works is not broken by what
comes later. Two of the same second are told apart by their uid, which says nothing and is the same for everybody.

Every operator process knows all objects, and the answer depends on nothing else. So all shards give the same one,
whatever order they have heard of the objects in.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import NamedTuple

from qc_operator.registry import Key, Known
from qc_operator.resource import ScaleTargetRef


class TargetId(NamedTuple):
    """What is scaled. The version of its API is not part of it: all versions of a kind are one and the same object."""

    namespace: str
    group: str
    """`apps`; empty for the core group."""
    kind: str
    name: str


def target_id(*, namespace: str, ref: ScaleTargetRef) -> TargetId:
    """What an object of this namespace means by its `scaleTargetRef`."""
    group, _, _ = ref.api_version.rpartition("/")
    return TargetId(namespace=namespace, group=group, kind=ref.kind, name=ref.name)


class Claim(NamedTuple):
    """A QueueConsumer that scales a target. Claims sort by age: the first one owns."""

    created: str
    """`metadata.creationTimestamp`: RFC 3339 in UTC to the second, so it compares as text."""
    uid: str
    key: Key


def claimed(known: Known) -> TargetId | None:
    """The target that an object claims, or None.

    * Who is being deleted claims nothing: the next one takes over without waiting for a finalizer.
    * Who is invalid claims nothing: it may name any target, and nothing is written for it.
    * `mode: Observe` claims nothing, because it writes nothing. It is how one tries a QueueConsumer beside another, and
      how one steps aside without being deleted.
    * A paused object claims its target. An annotation holds replicas for a while, at a database migration for example,
      and a younger QueueConsumer that scaled meanwhile would undo just that.
    """
    if known.spec is None or known.deleting or known.spec.mode == "Observe":
        return None
    return target_id(namespace=known.key.namespace, ref=known.spec.scale_target_ref)


class Ownership:
    """The claims on each target, oldest first. What a put or a drop costs follows the claims on one target only."""

    def __init__(self) -> None:
        self._by_key: dict[Key, tuple[TargetId, Claim]] = {}
        self._by_target: dict[TargetId, list[Claim]] = {}

    def put(self, known: Known) -> frozenset[Key]:
        """Take in an object as it is now. Returns the other objects for which `owner` answers differently from now on.

        Of what it is for the object itself, the caller will ask anyway.
        """
        target = claimed(known)
        claim = Claim(created=known.created, uid=known.uid, key=known.key)
        if target is None:
            return self.drop(known.key)
        if self._by_key.get(known.key) == (target, claim):
            return frozenset()
        turned = self.drop(known.key)
        self._by_key[known.key] = target, claim
        claims = self._by_target.setdefault(target, [])
        insort(claims, claim)
        if claims[0] == claim:
            turned |= {other.key for other in claims[1:]}
        return turned

    def drop(self, key: Key) -> frozenset[Key]:
        """Forget an object. Returns the other objects for which `owner` answers differently from now on."""
        before = self._by_key.pop(key, None)
        if before is None:
            return frozenset()
        target, claim = before
        claims = self._by_target[target]
        place = bisect_left(claims, claim)
        del claims[place]
        if not claims:
            del self._by_target[target]
        return frozenset(other.key for other in claims) if place == 0 else frozenset()

    def owner(self, key: Key) -> Claim | None:
        """Who owns the target that this object claims, itself perhaps; None where it claims none."""
        claim = self._by_key.get(key)
        return None if claim is None else self._by_target[claim[0]][0]

    def claims(self, target: TargetId) -> tuple[Claim, ...]:
        """Everybody who claims a target, its owner first."""
        return tuple(self._by_target.get(target, ()))
