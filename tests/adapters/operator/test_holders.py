"""Who holds messages, asked of real brokers with real consumers.

The broker's statistics are up to 5 s old, so most of what these tests take is waiting for them.
"""

import asyncio
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import aiohttp
import pika
import pytest

from qc_operator.brokers import holders as limits
from qc_operator.brokers.binding import from_secret
from qc_operator.brokers.holders import Holders
from qc_operator.brokers.login import Login
from qc_operator.brokers.management import Answer, ManagementApi, ManagementError
from qc_operator.scaling.holdings import Holding, held
from tests.adapters.operator.conftest import Bench, SecretStore, keys_for
from tests.rabbitmq_vhost import Vhost

TOLD_WITHIN = 15.0
"""Seconds until the statistics tell of something: at most 5 on the broker's clock, more on a busy machine's."""


class RecordingApi(ManagementApi):
    """Puts down what is asked for."""

    def __init__(self, *, vhost: Vhost, session: aiohttp.ClientSession, **other: str) -> None:
        keys = {key: b64encode(value.encode()).decode() for key, value in (keys_for(vhost) | other).items()}
        credentials = from_secret(data=keys, secret="ns/broker", vhost=None)
        login = Login(credentials=credentials, session=session)
        super().__init__(credentials=credentials, login=login, session=session, within=5.0)
        self.asked: list[str] = []

    async def get(self, path: str, *, accept: tuple[int, ...] = (200,)) -> Answer:
        self.asked.append(path.partition("?")[0].rpartition("/")[2] if "/vhosts/" in path else "consumers")
        return await super().get(path, accept=accept)


@contextmanager
def consumer(vhost: Vhost, *, tag: str | None = None, named: str = "", prefetch: int = 1) -> Iterator[Any]:
    """A consumer of `orders` that holds as many messages as it is given; its channel, to settle them with."""
    parameters = pika.ConnectionParameters(
        vhost.host,
        vhost.port,
        vhost.vhost,
        pika.PlainCredentials(vhost.username, vhost.password),
        heartbeat=0,
        client_properties={"connection_name": named} if named else {},
    )
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=prefetch)
        channel.basic_consume("orders", lambda *_: None, consumer_tag=tag)
        connection.process_data_events(0.2)
        yield channel
    finally:
        connection.close()


async def until(
    ask: Callable[[], Awaitable[tuple[Holding, ...]]],
    condition: Callable[[tuple[Holding, ...]], bool],
) -> tuple[Holding, ...]:
    """The first answer for which the condition holds."""
    deadline = time.monotonic() + TOLD_WITHIN
    said: object = None
    while time.monotonic() < deadline:
        try:
            said = found = await ask()
        except ManagementError as error:
            said = error
        else:
            if condition(found):
                return found
        await asyncio.sleep(0.2)
    pytest.fail(f"not within {TOLD_WITHIN} s; the last was {said!r}")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again soon: the statistics tell of a consumer some seconds after it has come."""
    monkeypatch.setattr(limits, "AFTER_FAILURE", 0.3)


async def test_consumers_are_told_apart_by_tag_and_by_connection_name(
    any_vhost: Vhost, session: aiohttp.ClientSession
) -> None:
    any_vhost.declare("orders")
    any_vhost.publish("orders", [b"work"] * 6)
    api = RecordingApi(vhost=any_vhost, session=session)
    holders = Holders(api=api)
    pods: dict[str, tuple[str, ...]] = dict.fromkeys(("web-a", "web-b", "web-c"), ())
    with (
        consumer(any_vhost, tag="shop/web-a", prefetch=4),
        consumer(any_vhost, named="shop/web-b", prefetch=2),
        consumer(any_vhost, tag="web-c-1", named="web-c"),
    ):
        found = await until(
            lambda: holders.holdings(told_by_hosts=lambda _: False),
            lambda found: sum(holding.unacknowledged for holding in found) == 6,
        )

    assert {"web-a": 4, "web-b": 2} == held(pods=pods, holdings=found)
    assert {"channels", "consumers", "connections"} == set(api.asked)


async def test_where_addresses_tell_one_list_is_enough(any_vhost: Vhost, session: aiohttp.ClientSession) -> None:
    any_vhost.declare("orders")
    any_vhost.publish("orders", [b"work"])
    api = RecordingApi(vhost=any_vhost, session=session)
    holders = Holders(api=api)
    hosts: set[str] = set()

    def tell_enough(seen: Sequence[str]) -> bool:
        hosts.update(seen)
        return True

    with consumer(any_vhost, tag="shop/web-a"):
        found = await until(lambda: holders.holdings(told_by_hosts=tell_enough), bool)

    assert {"web-a": 1} == held(pods={"web-a": ("127.0.0.1",)}, holdings=found)
    assert {"127.0.0.1"} == hosts
    assert {"channels"} == set(api.asked)


async def test_what_is_acknowledged_is_no_longer_held_within_six_seconds(
    any_vhost: Vhost, session: aiohttp.ClientSession, record: Callable[[str, object], None]
) -> None:
    any_vhost.declare("orders")
    any_vhost.publish("orders", [b"work"])
    holders = Holders(api=RecordingApi(vhost=any_vhost, session=session))
    with consumer(any_vhost, tag="shop/web-a") as channel:
        began = time.monotonic()
        await until(lambda: holders.holdings(told_by_hosts=lambda _: True), bool)
        record("seconds until the delivery was told", round(time.monotonic() - began, 1))
        channel.basic_ack(0, multiple=True)
        began = time.monotonic()
        await until(lambda: holders.holdings(told_by_hosts=lambda _: True), lambda found: not found)
        record("seconds until the acknowledgement was told", round(time.monotonic() - began, 1))


async def test_targets_that_go_down_together_share_a_list(any_vhost: Vhost, session: aiohttp.ClientSession) -> None:
    any_vhost.declare("orders")
    any_vhost.publish("orders", [b"work"])
    api = RecordingApi(vhost=any_vhost, session=session)
    holders = Holders(api=api)
    with consumer(any_vhost, tag="shop/web-a"):
        await until(lambda: holders.holdings(told_by_hosts=lambda _: False), bool)
        await asyncio.sleep(limits.AS_GOOD_AS_NEW)
        api.asked.clear()

        answers = await asyncio.gather(*(holders.holdings(told_by_hosts=lambda _: False) for _ in range(20)))

    assert 1 == len(set(answers))
    assert ["channels", "connections", "consumers"] == sorted(api.asked)


async def test_a_user_who_may_not_see_the_consumers_is_told_of(
    any_vhost: Vhost, session: aiohttp.ClientSession
) -> None:
    node = any_vhost.node
    any_vhost.declare("orders")
    any_vhost.publish("orders", [b"work"])
    reader = f"reader-{any_vhost.username}"
    node.api("PUT", f"/api/users/{reader}", {"password": "seen", "tags": "management"})
    quoted = any_vhost.vhost.replace("/", "%2F")
    node.api("PUT", f"/api/permissions/{quoted}/{reader}", {"configure": "^$", "write": "^$", "read": ".*"})
    login = {"management_username": reader, "management_password": "seen"}
    holders = Holders(api=RecordingApi(vhost=any_vhost, session=session, **login))
    try:
        with consumer(any_vhost, tag="shop/web-a"):
            seeing = Holders(api=RecordingApi(vhost=any_vhost, session=session))
            await until(lambda: seeing.holdings(told_by_hosts=lambda _: True), bool)

            with pytest.raises(ManagementError, match=f"shows {reader} no channel that consumes.*tag `monitoring`"):
                await holders.holdings(told_by_hosts=lambda _: True)

            node.api("PUT", f"/api/users/{reader}", {"password": "seen", "tags": "monitoring"})
            found = await until(lambda: holders.holdings(told_by_hosts=lambda _: True), bool)
            assert [1] == [holding.unacknowledged for holding in found]
    finally:
        node.api("DELETE", f"/api/users/{reader}")


async def test_a_vhost_with_very_many_channels_is_left_alone(
    any_vhost: Vhost, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_CHANNELS", 2)
    any_vhost.declare("orders")
    api = RecordingApi(vhost=any_vhost, session=session)
    with any_vhost.channel(), any_vhost.channel(), any_vhost.channel():
        holders = Holders(api=api)
        problem = ""
        deadline = time.monotonic() + TOLD_WITHIN
        while "channels, and their list" not in problem:
            assert time.monotonic() < deadline, problem
            with pytest.raises(ManagementError) as raised:
                await holders.holdings(told_by_hosts=lambda _: True)
            problem = str(raised.value)
            await asyncio.sleep(0.2)
        api.asked.clear()
        with pytest.raises(ManagementError, match=r"has 3 channels, and their list is asked for only up to 2"):
            await holders.holdings(told_by_hosts=lambda _: True)

    assert [] == api.asked


async def test_an_api_that_does_not_answer_is_not_asked_again_soon(
    any_vhost: Vhost, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "AFTER_FAILURE", 60.0)
    api = RecordingApi(vhost=any_vhost, session=session, management_uri="http://127.0.0.1:1")
    holders = Holders(api=api)

    for _ in range(3):
        with pytest.raises(ManagementError, match="nothing listens there"):
            await holders.holdings(told_by_hosts=lambda _: True)

    assert ["channels"] == api.asked


async def test_a_feed_asks_with_the_login_of_its_secret(any_vhost: Vhost, reading: Bench, secrets: SecretStore) -> None:
    any_vhost.declare("orders")
    any_vhost.publish("orders", [b"work"] * 2)
    secrets.put(any_vhost)
    feed = reading.open("orders", "orders")
    with consumer(any_vhost, tag="shop/web-a", prefetch=2):
        await reading.until(feed, lambda queue: getattr(queue.totals, "unacknowledged", 0) == 2)
        found = await until(lambda: feed.holdings(lambda _: False), bool)

    assert {"web-a": 2} == held(pods={"web-a": ()}, holdings=found)
