"""Which readings an autoscaler lives on: its feed, for as long as its spec names the same queues."""

from __future__ import annotations

from collections.abc import Callable

from qc_operator.brokers import Feed, Feeds, QueueSource
from qc_operator.resource import Queue, QueueConsumerSpec
from qc_operator.scaling.observation import EntryObservation, Unknown
from qc_operator.scaling.readings import NOT_READ_YET

START_PATIENCE = 3.0
"""Seconds in which a first reading that is still to come is no news. What is known is decided upon after them."""


class Feeding:
    """Opens a feed, and another one when the spec names other queues or another broker."""

    def __init__(self, *, feeds: Feeds, namespace: str, notify: Callable[[], None]) -> None:
        self._feeds = feeds
        self._namespace = namespace
        self._notify = notify
        self._sources: object = None
        self._awaiting_since: float | None = None
        """Since when a first reading is awaited, after a start or with new credentials."""
        self.feed: Feed | None = None

    def follow(self, spec: QueueConsumerSpec | None) -> bool:
        """Read what the spec names, nothing without one. True when something else was read before."""
        sources = (spec.broker, tuple(_source(queue) for queue in spec.queues)) if spec else None
        if sources == self._sources:
            return False
        self.close()
        before, self._sources = self._sources, sources
        if spec is not None:
            self.feed = self._feeds.open(
                namespace=self._namespace,
                secret=spec.broker.secret_name,
                vhost=spec.broker.vhost,
                queues=[_source(queue) for queue in spec.queues],
                notify=self._notify,
            )
        return before is not None

    def awaited(self, entries: tuple[EntryObservation, ...], *, now: float) -> bool:
        """Whether a first reading is still to come, and has not been for long."""
        problem = self.feed.problem if self.feed is not None else None
        if problem is not None or not any(_not_read_yet(entry) for entry in entries):
            self._awaiting_since = None
            return False
        if self._awaiting_since is None:
            self._awaiting_since = now
        return now - self._awaiting_since < START_PATIENCE

    @property
    def work_waits(self) -> bool:
        """Whether there are messages, as far as is known."""
        return self.feed is not None and self.feed.work_waits

    def close(self) -> None:
        """Read nothing any more."""
        if self.feed is not None:
            self.feed.close()
            self.feed = None


def _source(queue: Queue) -> QueueSource:
    return QueueSource(name=queue.name, pattern=queue.pattern, vhost=queue.vhost, rated=queue.rated)


def _not_read_yet(entry: EntryObservation) -> bool:
    if entry.unmatched is not None:
        return entry.unmatched.cause == NOT_READ_YET
    return any(isinstance(queue.depth, Unknown) and queue.depth.cause == NOT_READ_YET for queue in entry.queues)
