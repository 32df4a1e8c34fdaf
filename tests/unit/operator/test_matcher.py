"""Patterns are held against a vhost's queues once for each list of them, and again where that went wrong."""

import asyncio

import pytest

from qc_operator.brokers.matcher import Matcher

NAMES = frozenset({"orders", "receipts"})


class Follower:
    """Fails a few times, and notes the names that it was called with."""

    def __init__(self, *, failures: int = 0) -> None:
        self.failures = failures
        self.calls = 0
        self.known: list[frozenset[str]] = []
        self.called = asyncio.Event()

    def match(self, names: frozenset[str]) -> None:
        self.calls += 1
        self.called.set()
        if self.calls <= self.failures:
            raise RuntimeError("broken")
        self.known.append(names)


async def settled(matcher: Matcher) -> None:
    """Wait until nobody is left to be called."""
    if matcher._task is not None:
        async with asyncio.timeout(5):
            await matcher._task


async def test_a_follower_that_failed_is_called_again_with_the_next_list_though_it_is_the_same() -> None:
    matcher, fails, fine = Matcher(), Follower(failures=2), Follower()
    matcher.add(fails.match)
    matcher.add(fine.match)

    for _ in range(4):
        matcher.take(frozenset(NAMES))
        await settled(matcher)

    assert [NAMES] == fails.known
    assert 3 == fails.calls
    assert [NAMES] == fine.known


async def test_a_follower_that_fails_again_and_again_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    matcher, fails = Matcher(), Follower(failures=3)
    matcher.add(fails.match)

    for _ in range(3):
        matcher.take(NAMES)
        await settled(matcher)

    assert 3 == fails.calls
    assert 1 == caplog.text.count("a pattern was not matched")


async def test_a_follower_that_is_new_is_called_and_the_others_are_not_called_again() -> None:
    matcher, first, second = Matcher(), Follower(), Follower()
    matcher.add(first.match)
    matcher.take(NAMES)
    await settled(matcher)
    matcher.add(second.match)
    await settled(matcher)

    assert [NAMES] == first.known == second.known


async def test_a_follower_that_was_dropped_is_not_called_though_it_failed() -> None:
    matcher, fails = Matcher(), Follower(failures=1)
    matcher.add(fails.match)
    matcher.take(NAMES)
    await settled(matcher)

    matcher.drop(fails.match)
    matcher.take(NAMES)
    await settled(matcher)

    assert 1 == fails.calls


async def test_names_that_change_while_the_followers_are_called_reach_all_of_them() -> None:
    matcher, followers = Matcher(), [Follower() for _ in range(3)]
    for follower in followers:
        matcher.add(follower.match)
    matcher.take(NAMES)
    async with asyncio.timeout(5):
        await followers[0].called.wait()

    others = NAMES | {"invoices"}
    matcher.take(others)
    await settled(matcher)

    assert [others] * 3 == [follower.known[-1] for follower in followers]
