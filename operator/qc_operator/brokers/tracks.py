"""The channels that serve one schedule, and how what is due is dealt out to them. Pure but for the channels' state."""

from __future__ import annotations

from collections.abc import Iterator

from qc_operator.brokers.declares import DeclareChannel, Question
from qc_operator.brokers.schedule import Schedule

FEW = 128
"""Questions that go to one channel together before the next gets any: their answers then come in one packet."""


class Track:
    """Some channels, with room for so many questions under way on each."""

    def __init__(self, *, schedule: Schedule[Question], channels: int, window: int, early: float = 0.0) -> None:
        self._schedule = schedule
        self._window = window
        self._early = early
        self.wanted = channels
        self.channels: list[DeclareChannel] = []
        """Those that are open and answer."""

    def deal(self, *, now: float) -> Iterator[tuple[DeclareChannel, list[Question]]]:
        """Take what is due out of the schedule, as far as there is room, and say which channel is to ask it.

        With `early`, half of the questions are early and half of them late, so that intervals are on average what they
        should be.
        """
        if not self.channels:
            return
        self.channels.append(self.channels.pop(0))  # Another one begins each time.
        rooms = [(channel, self._window - len(channel.waiting)) for channel in self.channels]
        batch = self._schedule.take(until=now + self._early, most=sum(room for _, room in rooms))
        for position, (channel, room) in enumerate(rooms):
            share = min(room, max(FEW, -(-len(batch) // (len(rooms) - position))))
            mine, batch = batch[:share], batch[share:]
            if mine:
                yield channel, mine
        for question in batch:
            self._schedule.set(question, due=now)

    def next_look(self) -> float | None:
        """When the schedule next needs a look. Not at all while nothing more can be asked: an answer brings one."""
        free = any(len(channel.waiting) < self._window for channel in self.channels)
        return self._schedule.next_due() if free else None

    def overdue(self, *, now: float) -> bool:
        """Whether something is due that was not asked."""
        due = self._schedule.next_due()
        return due is not None and due <= now
