"""Host names are looked up once for all who ask, each in a thread of its own, and never for longer than asked."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from qc_operator.brokers.host_names import HostNames, Resolver


class Library:
    """The C library's lookups, which a test lets end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.answers = threading.Event()
        self.error: OSError | None = None
        real = socket.getaddrinfo

        def getaddrinfo(host: str, port: int, **other: Any) -> Any:
            if other.get("flags", 0) & socket.AI_NUMERICHOST:
                return real(host, port, **other)
            self.asked.append(host)
            self.answers.wait(10)
            if self.error is not None:
                raise self.error
            return real("127.0.0.1", port, **other)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    return Library(monkeypatch)


def hosts(found: list[Any]) -> list[str]:
    return [address[0] for *_, address in found]


@pytest.mark.parametrize("address", ["127.0.0.7", "::1"])
async def test_an_address_is_not_asked_for(address: str, library: Library) -> None:
    assert [address] == hosts(await HostNames().addresses(address, 5672))
    assert not library.asked


async def test_all_who_ask_for_a_name_wait_for_one_lookup(library: Library) -> None:
    names = HostNames()
    waiting = [asyncio.create_task(names.addresses("a.example", 5672)) for _ in range(5)]
    waiting.append(asyncio.create_task(names.addresses("b.example", 5672)))
    await asyncio.sleep(0)
    library.answers.set()

    assert [["127.0.0.1"]] * 6 == [hosts(await task) for task in waiting]
    assert ["a.example", "b.example"] == sorted(library.asked)


async def test_a_lookup_takes_no_longer_than_asked_and_serves_whoever_asks_next(library: Library) -> None:
    names = HostNames()
    with pytest.raises(TimeoutError, match=r"no name server has told the address of a\.example within 0\.05 s"):
        await names.addresses("a.example", 5672, within=0.05)

    again = asyncio.create_task(names.addresses("a.example", 5672))
    await asyncio.sleep(0)
    library.answers.set()

    assert ["127.0.0.1"] == hosts(await again)
    assert ["a.example"] == library.asked


async def test_one_who_gives_up_leaves_the_others_their_answer(library: Library) -> None:
    names = HostNames()
    first, second = (asyncio.create_task(names.addresses("a.example", 5672)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    library.answers.set()

    assert first.cancelled()
    assert ["127.0.0.1"] == hosts(await second)


async def test_a_failure_is_told_and_not_kept(library: Library) -> None:
    names = HostNames()
    library.answers.set()
    library.error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    with pytest.raises(socket.gaierror, match="not known"):
        await names.addresses("a.example", 5672)

    library.error = None
    assert ["127.0.0.1"] == hosts(await names.addresses("a.example", 5672))


async def test_names_beyond_the_limit_are_looked_up_when_others_are_done(library: Library) -> None:
    names = HostNames(most=2)
    waiting = [asyncio.create_task(names.addresses(f"{letter}.example", 5672)) for letter in "abcd"]
    await asyncio.sleep(0)
    assert 2 == names._threads
    library.answers.set()

    assert [["127.0.0.1"]] * 4 == [hosts(await task) for task in waiting]


async def test_aiohttp_is_given_addresses_as_it_wants_them() -> None:
    found = await Resolver().resolve("localhost", 15672, socket.AF_INET)

    assert [("localhost", "127.0.0.1", 15672)] == [(each["hostname"], each["host"], each["port"]) for each in found]
