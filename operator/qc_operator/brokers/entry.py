"""One entry of `spec.queues`: its queue by name, or those that its pattern matches, read through one reader."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from qc_operator.brokers import QueueSource
from qc_operator.brokers.reader import BrokerReader
from qc_operator.brokers.watches import Listener
from qc_operator.pattern import QueuePattern
from qc_operator.scaling.observation import EntryObservation, Missing, QueueObservation, Unavailable, Unknown
from qc_operator.scaling.readings import NOT_READ_YET


class Entry:
    """One entry of `spec.queues`, read through one reader."""

    def __init__(self, *, source: QueueSource, reader: BrokerReader, vhost: str, listener: Listener) -> None:
        self._source = source
        self.reader = reader
        self._vhost = vhost
        self._listener = listener
        self._pattern = QueuePattern(source.pattern) if source.pattern is not None else None
        self._listed: frozenset[str] | None = None
        """All names of the vhost that the pattern was held against last; None while it was not yet."""
        self._queues: list[str] = []
        self._observed: tuple[object, EntryObservation] | None = None
        """What was observed last, and of what it was made."""
        if self._pattern is None:
            self._watch(source.name or "")
        else:
            reader.follow(listener, self._match)

    @property
    def work_waits(self) -> bool:
        """Whether there are messages in any of the queues, as far as is known."""
        return any(map(self.reader.work_waits, self._queues))

    def observe(self) -> EntryObservation:
        """The latest readings; the very same observation while none is new, which is then added up already. No I/O."""
        queues = tuple(self.reader.observe(queue) for queue in self._queues)
        unmatched, awaited = self._unmatched(), 0
        if self._pattern is not None:
            self._forget_deleted(queues)
            read = tuple(queue for queue in queues if not _passing(queue))
            awaited = sum(not isinstance(queue.depth, Missing) for queue in queues) - len(read)
            if queues and not read and unmatched is None:
                unmatched = Unknown(cause=NOT_READ_YET, message="no reading yet", at=asyncio.get_running_loop().time())
            queues = read
        made_of = (queues, unmatched, self.reader.alarmed, awaited)
        if self._observed is None or self._observed[0] != made_of:
            observation = EntryObservation(
                name=self._source.name or self._source.pattern or "",
                vhost=self._vhost,
                queues=queues,
                pattern=self._pattern is not None,
                unmatched=unmatched,
                alarmed=self.reader.alarmed,
                awaited=awaited,
            )
            self._observed = made_of, observation
        return self._observed[1]

    def close(self) -> None:
        """Stop reading."""
        if self._pattern is not None:
            self.reader.unfollow(self._listener)
        for queue in tuple(self._queues):
            self._unwatch(queue)

    def _unmatched(self) -> Unknown | None:
        """Why the queues that the pattern matches are not known, or None."""
        if self._pattern is None:
            return None
        names = self.reader.names
        if isinstance(names, Unavailable):
            now = asyncio.get_running_loop().time()
            message = f"a pattern needs the list of queues, which is not to be had: {names.message}"
            return Unknown(cause="PatternNeedsManagement", message=message, at=now)
        if isinstance(names, Unknown):
            return names
        if self._listed is None:
            return Unknown(cause=NOT_READ_YET, message="no reading yet", at=asyncio.get_running_loop().time())
        return None

    def _match(self, listed: frozenset[str]) -> None:
        """Follow the queues that have come."""
        if self._pattern is None:
            return
        new = listed if self._listed is None else listed - self._listed
        for queue in sorted(self._pattern.matching(new) - set(self._queues)):
            self._watch(queue)
        self._listed = listed
        self._listener.notify()

    def _forget_deleted(self, queues: Sequence[QueueObservation]) -> None:
        """Let go of queues that have gone: by both lanes' word, because the list leaves out one without a leader."""
        for queue in queues:
            if isinstance(queue.depth, Missing) and queue.name not in (self._listed or ()):
                self._unwatch(queue.name)

    def _watch(self, queue: str) -> None:
        self.reader.watch(queue, self._listener, rated=self._source.rated)
        self._queues.append(queue)

    def _unwatch(self, queue: str) -> None:
        self.reader.unwatch(queue, self._listener, rated=self._source.rated)
        self._queues.remove(queue)


def _passing(queue: QueueObservation) -> bool:
    """Whether a queue that a pattern matches is about to come, listed and not read yet, or has gone since."""
    depth = queue.depth
    return isinstance(depth, Missing) or (isinstance(depth, Unknown) and depth.cause == NOT_READ_YET)
