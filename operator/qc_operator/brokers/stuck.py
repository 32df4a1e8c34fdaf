"""Channels that a stuck queue holds up: given up for reading, and kept for the answer that may still come."""

from __future__ import annotations

from qc_operator.brokers.declares import DeclareChannel, Question


class StuckChannels:
    """Each has one question left, whose answer frees it."""

    def __init__(self) -> None:
        self._channels: dict[DeclareChannel, Question] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._channels)

    def __contains__(self, channel: DeclareChannel) -> bool:
        """Whether this is one of them."""
        return channel in self._channels

    def hold(self, channel: DeclareChannel) -> tuple[Question, list[Question]]:
        """Give a channel up: the question that is stuck, and those behind it, which are to be asked elsewhere."""
        first, *others = channel.waiting
        channel.waiting.clear()
        channel.waiting.append(first)
        self._channels[channel] = first
        return first, others

    def holds(self, question: Question) -> bool:
        """Whether the answer about this queue is still waited for; to ask again would hold up one more channel."""
        return bool(self._channels) and any(question.queue == held.queue for held in self._channels.values())

    def free(self, channel: DeclareChannel) -> None:
        """Forget a channel that has answered after all, or has ended."""
        del self._channels[channel]

    def clear(self) -> None:
        """Take no more answers of any."""
        for channel in self._channels:
            channel.waiting.clear()
        self._channels.clear()
