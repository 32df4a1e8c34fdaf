"""What is due is dealt out to the channels: as far as there is room, no more than may go out, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qc_operator.brokers.allowance import Allowance
from qc_operator.brokers.declares import DeclareChannel, Question
from qc_operator.brokers.schedule import Schedule
from qc_operator.brokers.tracks import Track

NOW = 100.0


class Dealer:
    """A track of channels that note what they are asked."""

    def __init__(self, *, channels: int, window: int, at_once: int = 10_000) -> None:
        self._schedule: Schedule[Question] = Schedule()
        allowance = Allowance(per_second=1000, at_once=at_once, now=NOW)
        self.track = Track(schedule=self._schedule, channels=channels, window=window, allowance=allowance)
        for _ in range(channels):
            nobody: Callable[..., None] = lambda *_: None  # noqa: E731 - a type cannot be given otherwise
            self.track.take_in(DeclareChannel(on_answer=nobody, on_end=nobody))

    def due(self, count: int) -> list[Question]:
        """Make so many questions due."""
        questions = [Question(queue=f"queue-{number}") for number in range(count)]
        for question in questions:
            self._schedule.set(question, due=NOW)
        return questions

    def deal(self, *, now: float = NOW) -> int:
        """Ask what can be asked; how many that were."""
        asked = 0
        for channel, questions in self.track.deal(now=now):
            channel.ask(questions, now=now)
            asked += len(questions)
        return asked

    @property
    def waiting(self) -> list[int]:
        """How many questions are under way on each channel."""
        return [len(channel.waiting) for channel in self.track.channels]


@pytest.mark.parametrize("due", [0, 1, 100, 512, 513, 2000])
def test_all_room_is_used_and_what_there_is_none_for_stays_due(due: int) -> None:
    dealer = Dealer(channels=8, window=64)
    questions = dealer.due(due)

    assert min(due, 512) == dealer.deal()
    assert max(dealer.waiting, default=0) <= 64
    under_way = [question for channel in dealer.track.channels for question in channel.waiting]
    for channel in dealer.track.channels:
        channel.waiting.clear()
    rest = 0
    while asked := dealer.deal():
        rest += asked
        for channel in dealer.track.channels:
            under_way += channel.waiting
            channel.waiting.clear()
    assert max(0, due - 512) == rest
    assert {question.queue for question in questions} == {question.queue for question in under_way}
    assert len(questions) == len(under_way)


def test_no_more_are_asked_than_may_go_out_and_the_others_soon_after() -> None:
    dealer = Dealer(channels=4, window=250, at_once=300)
    dealer.due(900)

    assert [300, 0, 50] == [dealer.deal(), dealer.deal(), dealer.deal(now=NOW + 0.0505)]
    assert dealer.track.next_look() == NOW


def test_few_questions_go_to_one_channel_together_and_the_next_ones_to_another() -> None:
    dealer = Dealer(channels=4, window=250)
    dealer.due(100)
    dealer.deal()
    first = list(dealer.track.channels)
    dealer.due(100)
    dealer.deal()

    assert sorted(dealer.waiting) == [0, 0, 100, 100]
    assert first != dealer.track.channels


@pytest.mark.parametrize("window", [1, 64, 250])
def test_more_is_wanted_once_half_of_a_channels_questions_or_all_are_answered(window: int) -> None:
    dealer = Dealer(channels=1, window=window)
    dealer.due(2 * window)
    dealer.deal()
    channel = dealer.track.channels[0]
    assert dealer.track.next_look() is None

    wanted = []
    while channel.waiting:
        channel.waiting.popleft()
        if dealer.track.wants_more(channel, now=NOW):
            wanted.append(len(channel.waiting))

    assert sorted({window // 2, 0}, reverse=True) == wanted


def test_nothing_is_wanted_before_it_is_due() -> None:
    dealer = Dealer(channels=1, window=10)
    dealer.due(1)

    assert not dealer.track.wants_more(dealer.track.channels[0], now=NOW - 1)
    assert dealer.track.next_look() == NOW
