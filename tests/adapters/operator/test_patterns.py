"""All queues of a vhost that match a pattern, as they come and go."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from qc_operator.brokers import QueueSource, fast_lane
from qc_operator.brokers.feed import QueueFeed
from qc_operator.scaling.observation import Depth, EntryObservation, Totals
from tests.adapters.operator.conftest import QUICK, Bench, SecretStore, filled
from tests.adapters.operator.keeper import REPLICAS, Keeper
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost

MORE_THAN_A_PAGE = 600
"""Queues. A page of the management API has at most 500."""


def declare_all(vhost: Vhost, names: list[str]) -> None:
    with vhost.channel() as channel:
        for name in names:
            channel.queue_declare(name, durable=True)


def pattern(bench: Bench, text: str) -> QueueFeed:
    return bench.open_sources(QueueSource(pattern=text))


def matches(*names: str) -> Callable[[EntryObservation], bool]:
    """Whether the entry has exactly these queues, and both lanes have read each."""

    def condition(entry: EntryObservation) -> bool:
        read = [
            queue.name for queue in entry.queues if isinstance(queue.depth, Depth) and isinstance(queue.totals, Totals)
        ]
        return entry.known and sorted(names) == sorted(read)

    return condition


async def test_all_of_more_than_a_page_of_queues_match(any_vhost: Vhost, reading: Bench, secrets: SecretStore) -> None:
    secrets.put(any_vhost)
    names = [f"orders.{number}" for number in range(MORE_THAN_A_PAGE)]
    declare_all(any_vhost, [*names, "receipts.1"])
    any_vhost.publish(names[-1], [b"1"])

    entry = await reading.until_entry(pattern(reading, r"^orders\..+$"), matches(*names))

    assert 1 == entry.ready


async def test_a_reading_is_the_same_object_until_another_one_comes(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    declare_all(any_vhost, ["orders.1", "orders.2"])
    feed = pattern(reading, r"^orders\.")
    before = await reading.until_entry(feed, matches("orders.1", "orders.2"))

    assert feed.observe()[0] is feed.observe()[0]

    await asyncio.to_thread(any_vhost.publish, "orders.1", [b"1"])
    after = await reading.until_entry(feed, lambda entry: entry.ready == 1)
    assert (0, 1) == (before.ready, after.ready)


async def test_how_many_match_is_told_once_each_was_read(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A round trip for each, so that a part of them can be seen.
    monkeypatch.setattr(fast_lane, "FRESH_CHANNELS", 1)
    monkeypatch.setattr(fast_lane, "FRESH_WINDOW", 1)
    secrets.put(any_vhost)
    declare_all(any_vhost, [f"orders.{number}" for number in range(MORE_THAN_A_PAGE)])
    feed = pattern(reading, r"^orders\.")

    part = await reading.until_entry(feed, lambda entry: entry.queues)
    # An average of these alone would be of whatever was read first.
    assert 0 < part.awaited == MORE_THAN_A_PAGE - len(part.queues)
    assert part.matched is None

    whole = await reading.until_entry(feed, lambda entry: entry.queues and not entry.awaited)
    assert MORE_THAN_A_PAGE == whole.matched == len(whole.queues)


async def test_queues_that_come_and_go_are_followed(any_vhost: Vhost, reading: Bench, secrets: SecretStore) -> None:
    secrets.put(any_vhost)
    declare_all(any_vhost, ["orders.1", "orders.2"])
    feed = pattern(reading, r"^orders\.")
    await reading.until_entry(feed, matches("orders.1", "orders.2"))

    await asyncio.to_thread(any_vhost.declare, "orders.3")
    await reading.until_entry(feed, matches("orders.1", "orders.2", "orders.3"))
    await asyncio.to_thread(any_vhost.delete, "orders.1")
    await reading.until_entry(feed, matches("orders.2", "orders.3"))
    await asyncio.to_thread(any_vhost.declare, "orders.1", x_queue_type="quorum")
    await reading.until_entry(feed, matches("orders.1", "orders.2", "orders.3"))


@pytest.mark.parametrize("settings", [replace(QUICK, totals_interval=14.0)], ids=["listed-once"])
async def test_a_queue_that_is_deleted_between_two_lists_does_not_make_the_others_unknown(
    any_vhost: Vhost, reading: Bench, secrets: SecretStore
) -> None:
    secrets.put(any_vhost)
    declare_all(any_vhost, ["orders.1", "orders.2"])
    feed = pattern(reading, r"^orders\.")
    await reading.until_entry(feed, lambda entry: entry.known and len(entry.queues) == 2)

    await asyncio.to_thread(any_vhost.delete, "orders.1")
    # It may be new in the list and not declared, or declared and not read, as well as gone: the others count.
    await reading.until_entry(feed, lambda entry: [queue.name for queue in entry.queues] == ["orders.2"])
    assert feed.observe()[0].known


async def test_no_match_is_no_queues_and_no_error(any_vhost: Vhost, reading: Bench, secrets: SecretStore) -> None:
    secrets.put(any_vhost)
    any_vhost.declare("receipts")
    feed = pattern(reading, "^orders$")

    await reading.until_entry(feed, lambda entry: entry.unmatched is None)

    assert () == feed.observe()[0].queues
    assert feed.problem is None
    await asyncio.to_thread(any_vhost.declare, "orders")
    await reading.until_entry(feed, matches("orders"))


async def test_an_empty_list_is_not_taken_for_no_queues(any_vhost: Vhost, reading: Bench, secrets: SecretStore) -> None:
    """It may be that a permission is missing."""
    secrets.put(any_vhost)
    filled(any_vhost)
    keeper = keep(reading, "^orders$")
    await keeper.reads()

    await asyncio.to_thread(any_vhost.delete, "orders")
    await keeper.loses("EmptyList")

    await asyncio.to_thread(filled, any_vhost)
    await keeper.heals(after="the only queue of the vhost was made anew")
    assert keeper.held()


async def test_a_pattern_needs_the_management_api(any_vhost: Vhost, reading: Bench, secrets: SecretStore) -> None:
    """No address was given, and nobody listens where it would be."""
    any_vhost.declare("orders")
    secrets.put(any_vhost)
    del secrets.values["broker"]["management_uri"]
    keeper = keep(reading, "^orders$")

    await keeper.loses("PatternNeedsManagement")

    assert keeper.held()
    secrets.put(any_vhost)
    await keeper.reads(0)


async def test_the_queues_matched_last_are_read_while_the_list_is_away(
    own_any_vhost: Vhost,
    own_any_rabbitmq: RabbitMQNode,
    reading: Bench,
    secrets: SecretStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("qc_operator.brokers.directory.TOTALS_MAX_AGE", 1.0)
    secrets.put(own_any_vhost)
    filled(own_any_vhost)
    keeper = keep(reading, "^orders$")
    await keeper.reads()

    await asyncio.to_thread(own_any_rabbitmq.ctl, "set_user_tags", own_any_vhost.username)
    await keeper.until(lambda _: keeper.feed.observe()[0].unmatched is not None)
    entry = keeper.feed.observe()[0]
    assert "ManagementRefused" == entry.unmatched.cause
    assert ["orders"] == [queue.name for queue in entry.queues]
    await asyncio.to_thread(own_any_vhost.publish, "orders", [b"more"])
    await keeper.until(lambda _: keeper.feed.observe()[0].queues[0].depth.ready == REPLICAS + 1)

    await asyncio.to_thread(own_any_rabbitmq.ctl, "set_user_tags", own_any_vhost.username, "management")
    await keeper.heals(REPLICAS + 1, after="the user may ask the management API again")
    assert keeper.held()


def keep(bench: Bench, text: str) -> Keeper:
    return bench.keep_source(QueueSource(pattern=text))
