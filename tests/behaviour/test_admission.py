"""However many are woken together, few turns begin in one pass of the loop, and each in its order."""

from __future__ import annotations

import asyncio

from qc_operator.admission import IN_ONE_PASS, URGENT_IN_ONE_PASS, Admission
from qc_operator.turns import Turns
from tests.behaviour.conftest import FakeClock


def never() -> bool:
    return False


def always() -> bool:
    return True


async def test_what_comes_alone_begins_at_once() -> None:
    admission, begun = Admission(), list[int]()

    for number in range(5 * IN_ONE_PASS):
        admission.admit(lambda number=number: begun.append(number), urgent=never)  # type: ignore[misc]
        assert begun[-1] == number
        await asyncio.sleep(0)


async def test_of_many_that_come_together_so_many_begin_in_each_pass() -> None:
    admission, begun = Admission(), list[int]()

    for number in range(3 * IN_ONE_PASS + 1):
        admission.admit(lambda number=number: begun.append(number), urgent=never)  # type: ignore[misc]

    passes = [len(begun)]
    while len(begun) < 3 * IN_ONE_PASS + 1:
        await asyncio.sleep(0)
        passes.append(len(begun))
    assert passes == [IN_ONE_PASS, 2 * IN_ONE_PASS, 3 * IN_ONE_PASS, 3 * IN_ONE_PASS + 1]
    assert begun == sorted(begun)


async def test_the_last_ones_place_is_free_again_in_the_next_pass() -> None:
    admission, begun = Admission(), list[str]()
    for _ in range(IN_ONE_PASS):
        admission.admit(lambda: begun.append("early"), urgent=never)

    admission.admit(lambda: begun.append("late"), urgent=never)
    assert "late" not in begun
    await asyncio.sleep(0)

    assert begun[-1] == "late"


async def test_others_get_their_turn_on_the_loop_while_ten_thousand_wait() -> None:
    """What needs six passes, as a request by HTTP does, is over before a hundredth of them has begun."""
    admission, taken = Admission(), 0

    async def take() -> None:
        nonlocal taken
        taken += 1

    all_turns = [Turns(take=take, clock=FakeClock(), admission=admission) for _ in range(10_000)]
    for turns in all_turns:
        turns.wake()
    for _ in range(6):
        await asyncio.sleep(0)

    assert 0 < taken <= 6 * IN_ONE_PASS
    for _ in range(len(all_turns) // IN_ONE_PASS):
        await asyncio.sleep(0)
    assert taken == len(all_turns)


async def test_who_waits_is_woken_once_and_ends_without_a_turn() -> None:
    admission, taken = Admission(), list[str]()

    async def take(name: str) -> None:
        taken.append(name)

    others = [Turns(take=lambda: take("other"), clock=FakeClock(), admission=admission) for _ in range(IN_ONE_PASS)]
    woken = Turns(take=lambda: take("woken"), clock=FakeClock(), admission=admission)
    closed = Turns(take=lambda: take("closed"), clock=FakeClock(), admission=admission)
    for turns in (*others, woken, woken, closed):
        turns.wake()

    closed.close()
    assert woken.since is None
    for _ in range(4):
        await asyncio.sleep(0)

    assert taken == ["other"] * IN_ONE_PASS + ["woken"]


async def test_what_is_urgent_begins_before_others_that_wait_and_leaves_them_a_part() -> None:
    admission, begun = Admission(), list[str]()
    for _ in range(3 * IN_ONE_PASS):
        admission.admit(lambda: begun.append("other"), urgent=never)
    for _ in range(2 * IN_ONE_PASS):
        admission.admit(lambda: begun.append("urgent"), urgent=always)
    assert begun == ["other"] * IN_ONE_PASS

    await asyncio.sleep(0)
    others = IN_ONE_PASS - URGENT_IN_ONE_PASS
    assert begun[IN_ONE_PASS:] == ["urgent"] * URGENT_IN_ONE_PASS + ["other"] * others


async def test_who_waits_moves_up_once_work_has_come_and_takes_one_turn() -> None:
    admission, taken, work = Admission(), list[str](), False

    async def take(name: str) -> None:
        taken.append(name)

    others = [Turns(take=lambda: take("other"), clock=FakeClock(), admission=admission) for _ in range(3 * IN_ONE_PASS)]
    woken = Turns(take=lambda: take("woken"), clock=FakeClock(), admission=admission, urgent=lambda: work)
    for turns in (*others, woken, woken):
        turns.wake()
    work = True
    woken.wake()
    woken.wake()

    for _ in range(3):
        await asyncio.sleep(0)
    assert taken.index("woken") <= 2 * IN_ONE_PASS
    for _ in range(10):
        await asyncio.sleep(0)
    assert sorted(taken) == ["other"] * 3 * IN_ONE_PASS + ["woken"]
