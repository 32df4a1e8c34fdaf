"""What an answer or a refusal to a passive declare says of the queue, and that it is of the queue asked about."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pika.exceptions
import pytest

from qc_operator.brokers.declares import DeclareChannel, MisplacedAnswerError, Question, refusal
from qc_operator.scaling.observation import Missing, Unknown


def reading(text: str) -> object:
    return refusal(pika.exceptions.ChannelClosedByBroker(404, text), where="broker mq:5672, vhost /", at=1.0)


def test_a_queue_that_is_not_there() -> None:
    told = reading("NOT_FOUND - no queue 'orders' in vhost '/'")

    assert Missing(message="broker mq:5672, vhost /: no such queue", at=1.0) == told


@pytest.mark.parametrize("name", ["orders", "no queue", "NOT_FOUND - no queue ", "home node"])
@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("NOT_FOUND - queue '{}' in vhost '/' process is stopped by supervisor", "QueueDown"),
        ("NOT_FOUND - home node 'rabbit@b' of durable queue '{}' in vhost '/' is down or inaccessible", "NodeDown"),
    ],
)
def test_a_queue_that_is_down_is_not_missing_whatever_its_name(name: str, text: str, cause: str) -> None:
    told = reading(text.format(name))

    assert isinstance(told, Unknown)
    assert cause == told.cause


class Connection:
    """Opens one channel, of which only what the broker would send matters."""

    channel_number = 1

    def __init__(self) -> None:
        self._answer: Callable[[Any], None] = lambda _: None

    async def channel(self, *, on_close: object) -> Any:
        del on_close
        return self

    def add_callback(self, callback: Callable[[Any], None], *_: object, one_shot: bool) -> None:
        assert not one_shot
        self._answer = callback

    def tells(self, queue: str, ready: int) -> None:
        self._answer(SimpleNamespace(method=SimpleNamespace(queue=queue, message_count=ready, consumer_count=0)))


async def test_an_answer_about_another_queue_is_no_answer_and_nor_is_what_follows() -> None:
    answers: list[tuple[str, int]] = []
    ends: list[BaseException] = []
    channel = DeclareChannel(
        on_answer=lambda _, question, ready, __: answers.append((question.queue, ready)),
        on_end=lambda _, error: ends.append(error),
    )
    connection: Any = Connection()
    await channel.open(connection)
    channel.ask([Question(queue=queue) for queue in ("a", "b", "c")], now=1.0)

    connection.tells("a", 1)
    connection.tells("c", 3)
    connection.tells("c", 4)

    assert [("a", 1)] == answers
    (end,) = ends
    assert isinstance(end, MisplacedAnswerError)
    assert "asked about queue 'b', it told of 'c'" == str(end)
