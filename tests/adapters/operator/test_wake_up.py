"""The first message in a queue whose target is at zero: told by the very reading that sees it."""

import asyncio
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from qc_operator.brokers import QueueSource
from qc_operator.brokers.feed import QueueFeed
from qc_operator.scaling.observation import Depth
from qc_operator.settings import ReadingSettings
from tests.adapters.operator.conftest import Bench, SecretStore
from tests.rabbitmq_vhost import Vhost

NEVER = 3600.0


@pytest.fixture
def settings() -> ReadingSettings:
    """Nothing but a reading that says something else tells anybody anything, after the first totals."""
    return ReadingSettings(tell_interval=NEVER, totals_interval=NEVER, secret_interval=NEVER)


@dataclass
class Told:
    """What was known, and who called, whenever the feed told that there is something new."""

    feed: QueueFeed | None = None
    ready: list[int] = field(default_factory=list)
    callers: list[set[str]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self) -> None:
        if self.feed is None:
            return
        queue = next(iter(self.feed.observe()[0].queues), None)
        if queue is not None and isinstance(queue.depth, Depth):
            self.ready.append(queue.depth.ready)
            self.callers.append({frame.name for frame in traceback.extract_stack()})
            self.news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self.news.clear()
                await self.news.wait()


@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_the_reading_itself_tells_of_the_first_message(
    kind: str,
    any_vhost: Vhost,
    reading: Bench,
    secrets: SecretStore,
    record: Callable[[str, object], None],
) -> None:
    secrets.put(any_vhost)
    any_vhost.declare("orders", x_queue_type=kind)
    told = Told()
    told.feed = reading.open_sources(QueueSource(name="orders"), notify=told)
    told.feed.expect_change(at_zero=True)
    await told.until(lambda: 0 in told.ready)

    await asyncio.to_thread(any_vhost.publish, "orders", [b"1"])
    confirmed_at = time.monotonic()
    await told.until(lambda: 1 in told.ready)

    record("told after the message was confirmed, seconds", round(time.monotonic() - confirmed_at, 3))
    # From the frame on the wire to the one who decides in one call: no timer and no other task between them.
    callers = told.callers[told.ready.index(1)]
    assert {"_on_data_available", "_answered", "take", "tell"} <= callers
