"""The channels that serve one schedule, and how what is due is dealt out to them. Pure but for the channels' state."""

from __future__ import annotations

from collections.abc import Iterator

from qc_operator.brokers.allowance import Allowance
from qc_operator.brokers.declares import DeclareChannel, Question
from qc_operator.brokers.schedule import Schedule

FEW = 128
"""Questions that go to one channel together before the next gets any: their answers then come in one packet."""


class Track:
    """Some channels, with room for so many questions under way on each."""

    def __init__(self, *, schedule: Schedule[Question], channels: int, window: int, allowance: Allowance) -> None:
        self._schedule = schedule
        self._window = window
        self._allowance = allowance
        self.wanted = channels
        self.channels: list[DeclareChannel] = []
        """Those that are open and answer."""

    def take_in(self, channel: DeclareChannel) -> None:
        """Ask over this channel, too."""
        channel.serving = self
        self.channels.append(channel)

    def give_up(self, channel: DeclareChannel) -> None:
        """Ask nothing more over this channel."""
        channel.serving = None
        self.channels.remove(channel)

    def deal(self, *, now: float) -> Iterator[tuple[DeclareChannel, list[Question]]]:
        """Take what is due out of the schedule, as far as there is room, and say which channel is to ask it."""
        if not self.channels:
            return
        self.channels.append(self.channels.pop(0))  # Another one begins each time.
        rooms = [(channel, self._window - len(channel.waiting)) for channel in self.channels]
        most = min(sum(room for _, room in rooms), self._allowance.left(now=now))
        batch = self._schedule.take(until=now, most=most)
        self._allowance.spend(len(batch))
        for position, (channel, room) in enumerate(rooms):
            share = min(room, max(FEW, -(-len(batch) // (len(rooms) - position))))
            mine, batch = batch[:share], batch[share:]
            if mine:
                yield channel, mine
        self._allowance.spend(-len(batch))
        for question in batch:
            self._schedule.set(question, due=now)

    def next_look(self) -> float | None:
        """When the schedule next needs a look. Not at all while nothing more can be asked: an answer brings one."""
        free = any(len(channel.waiting) < self._window for channel in self.channels)
        return self._schedule.next_due() if free else None

    def wants_more(self, channel: DeclareChannel, *, now: float) -> bool:
        """Whether something is due that was not asked, and the channel has done with half of its questions or all."""
        if len(channel.waiting) not in {0, self._window // 2}:
            return False
        due = self._schedule.next_due()
        return due is not None and due <= now
