"""Five thousand queues of one vhost: every one is read, in turns, and no faster than the cap for one broker."""

import asyncio
import itertools
import urllib.parse
from collections.abc import Callable

import pytest

from qc_operator.brokers import QueueSource
from qc_operator.brokers.declares import Question
from qc_operator.brokers.feed import QueueFeed
from qc_operator.brokers.watch_list import WatchList
from qc_operator.scaling.observation import Depth, DepthReading, EntryObservation, Totals
from qc_operator.settings import ReadingSettings
from tests.adapters.operator.conftest import Bench, SecretStore
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost

MANY = 5000
PER_SECOND = 2500.0
"""The cap: all of them are read every two seconds, though they are wanted five times a second."""
TURN = MANY / PER_SECOND
"""Seconds."""


@pytest.fixture
def settings() -> ReadingSettings:
    return ReadingSettings(declares_per_second=PER_SECOND, totals_interval=1.0)


@pytest.fixture
def queues(own_any_rabbitmq: RabbitMQNode, own_any_vhost: Vhost) -> list[str]:
    names = [f"queue-{number:04}" for number in range(MANY)]
    path = f"/api/definitions/{urllib.parse.quote(own_any_vhost.vhost, safe='')}"
    for start in range(0, MANY, 1000):
        queues = [
            {"name": name, "durable": False, "auto_delete": False, "arguments": {}}
            for name in names[start : start + 1000]
        ]
        own_any_rabbitmq.api("POST", path, {"queues": queues})
    return names


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """Every reading of the fast lane: the queue, and when it was read."""
    seen: list[tuple[str, float]] = []
    take = WatchList.take

    def noting(watches: WatchList, question: Question, reading: DepthReading) -> None:
        seen.append((question.queue, reading.at))
        take(watches, question, reading)

    monkeypatch.setattr(WatchList, "take", noting)
    return seen


async def test_all_are_read_in_turns_and_the_cap_is_kept(  # noqa: PLR0917 - fixtures
    queues: list[str],
    readings: list[tuple[str, float]],
    own_any_vhost: Vhost,
    reading: Bench,
    secrets: SecretStore,
    record: Callable[[str, object], None],
) -> None:
    secrets.put(own_any_vhost)
    feed = reading.open_sources(QueueSource(pattern="^queue-"))
    await until_read(feed, since=0.0)
    # From now on it is known how many there are.
    since = asyncio.get_running_loop().time()
    await until_read(feed, since=since + TURN)

    times: dict[str, list[float]] = {queue: [] for queue in queues}
    for queue, at in readings:
        if at > since:
            times[queue].append(at)
    intervals = [after - before for each in times.values() for before, after in itertools.pairwise(each)]
    mean = sum(intervals) / len(intervals)
    record("declares per second", round(MANY / mean))
    assert mean >= 0.95 * TURN


async def until_read(feed: QueueFeed, *, since: float) -> None:
    """Wait until both lanes have read every queue, and the fast one since then."""
    async with asyncio.timeout(60):
        while not all_read(feed.observe()[0], since=since):  # noqa: ASYNC110 - there are 5,000 notifications a second
            await asyncio.sleep(0.2)


def all_read(entry: EntryObservation, *, since: float) -> bool:
    return len(entry.queues) == MANY and all(
        isinstance(queue.depth, Depth) and queue.depth.at > since and isinstance(queue.totals, Totals)
        for queue in entry.queues
    )
