"""A target that must not lose replicas while its queue cannot be read, and the time until the queue is read again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import pytest
from msgspec.structs import replace

from qc_operator.brokers import QueueSource
from qc_operator.brokers.feed import QueueFeed
from qc_operator.resource import parse
from qc_operator.scaling.decision import Decision, decide
from qc_operator.scaling.memory import Memory, remember_nothing
from qc_operator.scaling.observation import Depth, Observation, QueueObservation, Totals, Unknown
from qc_operator.scaling.stabilization import Answers, PastAnswer
from qc_operator.spec_behavior import DOWN_WINDOW

REPLICAS = 5
"""What the target has: one for each message that the tests put into its queue."""
LONG_AGO = 2 * DOWN_WINDOW
HEALED_WITHIN = 60.0
"""Seconds. The longest pause between two tries to connect is 10 s, and a machine may be busy."""


class Opens(Protocol):
    """What a keeper opens its feed with."""

    def __call__(self, *sources: QueueSource, secret: str, vhost: str | None, notify: Callable[[], None]) -> QueueFeed:
        """Open a feed."""


@dataclass(kw_only=True, repr=False)
class Keeper:
    """Decides on every reading, as the operator does, and remembers the lowest answer.

    Each decision is made with a memory in which readings have been known, and nothing was wanted, for longer than any
    window: were one reading during a fault taken for an empty queue, replicas would go. Once the fault is mended the
    memory is the operator's own: a queue that comes back may read empty for a moment, and the operator knows that it
    was away.
    """

    opens: Opens
    record: Callable[[str, object], None]
    source: QueueSource
    secret: str = "broker"
    vhost: str | None = None
    feed: QueueFeed = field(init=False)
    lowest: int = REPLICAS
    because: tuple[Decision, Observation] | None = None
    """The decision that went lowest, and on what."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _pending: bool = False
    _memory: Memory | None = None
    _mended: bool = False

    def __post_init__(self) -> None:
        queue = {"name": self.source.name} if self.source.pattern is None else {"pattern": self.source.pattern}
        self._spec = parse({
            "scaleTargetRef": {"name": "receipts"},
            "broker": {"secretName": self.secret},
            "queues": [queue | {"lag": {"scaleUpAbove": 1}}],
            "maxReplicas": 2 * REPLICAS,
        })  # fmt: skip
        self.feed = self.opens(self.source, secret=self.secret, vhost=self.vhost, notify=self._notified)
        self.feed.expect_change(at_zero=False)

    def _notified(self) -> None:
        # As in the operator: not in the midst of a reading, and once for many of the same moment.
        if not self._pending:
            self._pending = True
            asyncio.get_running_loop().call_soon(self._decide)

    def _decide(self) -> None:
        self._pending = False
        now = asyncio.get_running_loop().time()
        observation = Observation(entries=self.feed.observe(), current=REPLICAS, running=REPLICAS)
        memory = self._memory if self._mended and self._memory is not None else _aged(now=now)
        decision = decide(spec=self._spec, observation=observation, memory=memory, now=now, at=datetime.now(UTC))
        self._memory = decision.memory
        if decision.replicas < self.lowest:
            self.lowest, self.because = decision.replicas, (decision, observation)
        self._news.set()

    @property
    def seen(self) -> QueueObservation:
        """The queue as it is known now; unknown in both lanes while the feed does not know its queues."""
        entry = self.feed.observe()[0]
        if entry.unmatched is not None or not entry.queues:
            unknown = entry.unmatched or Unknown(cause="NoQueue", message="no queue matches", at=0.0)
            return QueueObservation(name=entry.name, vhost=entry.vhost, depth=unknown, totals=unknown)
        return entry.queues[0]

    def held(self) -> bool:
        """Whether no decision took a replica away; fails with the one that did."""
        if self.because is not None:
            pytest.fail(f"replicas went to {self.lowest}: {self.because}")
        return True

    async def until(self, condition: Callable[[QueueObservation], object], *, within: float = 20.0) -> QueueObservation:
        """The first observation for which the condition holds."""
        try:
            async with asyncio.timeout(within):
                while not condition(seen := self.seen):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            pytest.fail(f"not seen within {within} s; the last was {self.seen}, problem {self.feed.problem}")
        return seen

    async def reads(self, ready: int = REPLICAS, *, unacknowledged: int = 0, within: float = 20.0) -> QueueObservation:
        """Wait until both lanes have read the queue, and say that it has these messages."""
        counts = ready, unacknowledged
        return await self.until(lambda seen: _depth(seen) == ready and _totals(seen) == counts, within=within)

    async def loses(self, cause: str, *, within: float = 20.0) -> Unknown:
        """Wait until the queue cannot be read, for this cause."""
        seen = await self.until(lambda seen: getattr(seen.depth, "cause", "") == cause, within=within)
        assert isinstance(seen.depth, Unknown)
        return seen.depth

    async def heals(self, ready: int = REPLICAS, *, after: str) -> tuple[float, float]:
        """Wait until both lanes read the queue again; the seconds that each took from now on, which are recorded."""
        since = time.monotonic()
        self._mended = True
        await self.until(lambda seen: _depth(seen) == ready, within=HEALED_WITHIN)
        depth = time.monotonic() - since
        await self.reads(ready, within=HEALED_WITHIN)
        totals = time.monotonic() - since
        self._mended = False
        assert self.feed.problem is None
        self.record(f"read again after {after}, seconds", round(depth, 2))
        self.record(f"totals again after {after}, seconds", round(totals, 2))
        return depth, totals


def _aged(*, now: float) -> Memory:
    """The memory of an operator that has known for long that nothing is wanted."""
    answers = Answers(down=(PastAnswer(at=now - 1.0, replicas=0),))
    return replace(remember_nothing(now=now - LONG_AGO), answers=answers)


def _depth(seen: QueueObservation) -> int | None:
    return seen.depth.ready if isinstance(seen.depth, Depth) else None


def _totals(seen: QueueObservation) -> tuple[int, int] | None:
    return (seen.totals.ready, seen.totals.unacknowledged) if isinstance(seen.totals, Totals) else None
