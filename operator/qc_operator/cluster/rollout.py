"""When to look at the pods of a target: while they are on their way, and not once all is as it was asked for.

A list of pods is the dearest thing that the operator reads, so a target at rest costs none. What tells that pods are on
their way is free: the replicas asked for, and the pods that exist, which every reading of the scale has.
"""

from __future__ import annotations

from qc_operator.scaling.pods import Pods

SETTLING = 1.0
"""Seconds after a change of replicas before which pods are not looked at: a controller takes tenths of one to create
pods, or to mark those that go."""
PROOF = 30.0
"""Seconds for which the last pod must have been ready before all is at rest. Without a readinessProbe a pod that
crashes at its start is ready for a moment, and again after each restart."""
LONGEST = 30.0
"""Seconds between two looks while anything is under way: a guard believes a reading for 60 s."""
INTERVALS = ((60.0, 2.0), (600.0, 10.0), (float("inf"), LONGEST))
"""Until so many seconds after the last change: seconds between two looks."""
PODS_PER_SECOND = 100.0
"""Of one target. With more than 200 pods the first interval grows: 1,000 are read every 10 s, 3,000 and more every
`LONGEST`."""
RETRY_FIRST = 5.0
RETRY_MOST = 30.0
"""Seconds between two tries while the API server is in trouble; the pause doubles."""
RETRY_MOST_REFUSED = 300.0
"""The same while it refuses, which only a person changes."""


class Rollout:
    """Knows whether a target's pods have arrived. All times are seconds of the caller's monotonic clock."""

    def __init__(self) -> None:
        self._asked: int | None = None
        self._running = 0
        self._running_at = float("-inf")
        self._since: float | None = None
        """When what is under way began; None while all is at rest."""
        self._conclusive_from = float("-inf")
        """Looks that began earlier may have seen the pods of before."""
        self._began_at = float("-inf")
        self._next_at = float("-inf")
        self._odd: int | None = None
        """A number of pods, other than that asked for, that has been looked into: it is not a reason once more."""
        self._size = 0
        self._failures = 0

    def note(self, *, asked: int, running: int, running_at: float, now: float) -> None:
        """Take in the replicas asked for, and the pods that existed at `running_at`."""
        first = self._asked is None
        moved = asked != self._asked
        self._asked, self._running, self._running_at = asked, running, running_at
        if running == asked:
            self._odd = None
        if first:
            if asked or running:
                self._begin(now=now, settling=0.0)
        elif moved:
            self._begin(now=now, settling=SETTLING)
        elif self._since is None and running not in (asked, self._odd) and running_at > self._began_at:
            # Pods went or came without anybody asking for another number: a node died, a new version is rolled out.
            self._odd = running
            self._begin(now=now, settling=0.0)

    def due(self, *, now: float) -> bool:
        """Whether to look now."""
        return self._since is not None and now >= self._next_at

    @property
    def confirmed_at(self) -> float | None:
        """When it was last read that there are as many pods as asked for, if all was at rest then; else None.

        What the last look has shown still holds, as far as can be told without another one: a pod that has ceased to be
        ready meanwhile is not seen.
        """
        return self._running_at if self._since is None and self._running == self._asked else None

    def began(self, *, now: float) -> None:
        """Note that a look has begun."""
        self._began_at = now
        self._next_at = now + self._interval(now=now)

    def saw(self, pods: Pods) -> None:
        """Take in what the look has shown that began last."""
        self._failures = 0
        self._size = pods.ready + len(pods.starting) + pods.unschedulable
        if self._began_at < self._conclusive_from or not self._arrived(pods):
            return
        proven_at = self._began_at
        if pods.last_ready_at is not None:
            # A node's clock may be ahead; what was ready then has been so since then at the latest.
            proven_at = min(pods.last_ready_at, self._began_at) + PROOF
        if self._began_at >= proven_at:
            self._since = None
        else:
            self._next_at = max(self._next_at, proven_at)

    def failed(self, *, refused: bool) -> None:
        """Note that the look failed that began last; refused: it will, until somebody changes the rights."""
        pause = RETRY_FIRST * 2.0 ** min(self._failures, 10)
        self._failures += 1
        self._next_at = self._began_at + min(pause, RETRY_MOST_REFUSED if refused else RETRY_MOST)

    def _begin(self, *, now: float, settling: float) -> None:
        resting = self._since is None
        self._since = now
        self._conclusive_from = now + settling
        if self._failures:
            return
        # Changes that come faster than pods settle must not put the look off for ever.
        soonest = now + settling if resting else min(self._next_at, now + settling)
        self._next_at = max(soonest, self._began_at + self._interval(now=now))

    def _interval(self, *, now: float) -> float:
        age = now - (self._since if self._since is not None else now)
        pause = next(pause for until, pause in INTERVALS if age < until)
        return max(pause, min(self._size / PODS_PER_SECOND, LONGEST))

    def _arrived(self, pods: Pods) -> bool:
        if pods.starting or pods.unschedulable:
            return False
        # More than asked for are somebody else's with the same labels, once the controller counts as many as it should.
        return pods.ready == self._asked or (pods.ready > (self._asked or 0) and self._running == self._asked)
