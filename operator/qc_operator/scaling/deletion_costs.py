"""Which pods a step down should take, and the deletion costs that have a ReplicaSet take them.

A ReplicaSet deletes pods in this order (Kubernetes documentation, "ReplicaSet", "Scaling a ReplicaSet", and the
controller's `ActivePodsWithRanks`): without a node; pending; of unknown phase; not ready; then by
`controller.kubernetes.io/pod-deletion-cost`, the lowest first, 0 where there is none; then pods on nodes with more of
them; those that became ready last; those restarted more often; the youngest. So a cost decides only among pods at the
same stage, and only at the one stage where some go and some stay are costs of any use.

The same documentation advises against writing them often. Of two ways the one with fewer writes is taken: to have the
pods that should go stand out, which leaves nothing behind on those that stay, or those that hold messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

READY = 4
"""The last stage: a pod that is ready."""
MOST = 1_000_000
"""The highest cost that is written: enough to tell any two pods apart, and far from the end of an int32."""
IDLE_GOES, BUSY_GOES = -2, -1
"""Costs of pods that should go. A pod without a cost has 0."""

Changes: TypeAlias = dict[str, int | None]
"""The cost that each of some pods should have, None for none; the most useful first."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A pod that a step down may take: neither going already nor ended."""

    name: str
    stage: int
    """How far it has come, as its ReplicaSet sees it: 0 without a node, 1 pending, 2 of unknown phase, 3 running and
    not ready, 4 ready."""
    owner: str
    """The uid of its ReplicaSet."""
    node: str = ""
    cost: int = 0
    """The deletion cost that it has now."""
    ours: bool = True
    """Whether nobody but us has given it a cost."""
    addresses: tuple[str, ...] = ()
    ready_since: str = ""
    """RFC 3339, in UTC and to the second, so that it can be compared as text."""
    created: str = ""
    restarts: int = 0
    version: str = ""
    """Its resourceVersion."""


def changes(*, pods: tuple[Candidate, ...], held: Mapping[str, int], keep: int) -> Changes:
    """What to write before a step down to `keep` pods, so that those that hold the fewest messages go.

    `held` is how many messages a pod holds, by its name. A cost that is not ours is never written over: such a pod goes
    or stays as its owner wants. Nothing where no cost would make a difference.
    """
    leaving = len(pods) - keep
    if leaving <= 0:
        return {}
    if rollout := len({pod.owner for pod in pods}) > 1:
        # The Deployment shares the step out among its ReplicaSets, so nobody can say how many of which will go. Each of
        # them takes its own in the order of their costs.
        free = [pod for pod in pods if pod.ours]
    else:
        free, leaving = _decided_by_cost(pods, leaving)
        if not 0 < leaving < len(free):
            return {}
    if len({held.get(pod.name, 0) for pod in free}) <= 1:
        return {}
    graded = _graded(free, held)
    return graded if rollout else min(_marked(free, held, leaving), graded, key=len)


def _decided_by_cost(pods: tuple[Candidate, ...], leaving: int) -> tuple[list[Candidate], int]:
    """The pods among which costs of ours decide, and how many of them go."""
    for stage in range(READY + 1):
        there = [pod for pod in pods if pod.stage == stage]
        if leaving < len(there):
            before = sum(not pod.ours and pod.cost < 0 for pod in there)
            return [pod for pod in there if pod.ours], leaving - before
        leaving -= len(there)
    return [], 0


def _marked(free: list[Candidate], held: Mapping[str, int], leaving: int) -> Changes:
    """Have those stand out that should go; a cost of ours that others have is taken back where it would mislead."""
    together = dict[str, int]()
    for pod in free:
        together[pod.node] = together.get(pod.node, 0) + 1
    # Sorted from the last criterion to the first, since some count up and some down, and sorting keeps what is equal.
    order = sorted(free, key=lambda pod: (pod.ready_since, pod.restarts, pod.created), reverse=True)
    order.sort(key=lambda pod: (held.get(pod.name, 0), -together[pod.node]))
    found: Changes = {}
    for pod in order[:leaving]:
        wanted = BUSY_GOES if held.get(pod.name) else IDLE_GOES
        if pod.cost != wanted:
            found[pod.name] = wanted
    for pod in order[leaving:]:
        if pod.cost < 0 or (pod.cost and not held.get(pod.name)):
            found[pod.name] = None
    return found


def _graded(free: list[Candidate], held: Mapping[str, int]) -> Changes:
    """Have all that hold messages stand out, by how many; what has become idle loses the cost that it had."""
    found: Changes = {}
    for pod in sorted(free, key=lambda pod: held.get(pod.name, 0), reverse=True):
        wanted = min(held.get(pod.name, 0), MOST)
        if pod.cost != wanted:
            found[pod.name] = wanted or None
    return found
