"""Whoever waits for a watch goes on when it knows all, and when that takes too long; and not all in one moment."""

import asyncio

from qc_operator.cluster.watch_settling import AT_ONCE, Settling


async def test_who_waits_goes_on_in_portions_between_which_others_have_their_turn() -> None:
    settling = Settling(most=60.0)
    done: list[int] = []

    async def wait(number: int) -> None:
        await settling.over()
        done.append(number)

    tasks = [asyncio.create_task(wait(number)) for number in range(3 * AT_ONCE)]
    await asyncio.sleep(0)
    assert [] == done
    settling.end()
    portions = []
    while len(done) < len(tasks):
        before = len(done)
        await asyncio.sleep(0)
        portions.append(len(done) - before)
    assert AT_ONCE == max(portions)
    assert settling.ended
    await asyncio.gather(*tasks)


async def test_it_is_over_when_it_takes_too_long_though_nothing_is_known() -> None:
    settling = Settling(most=0.01)
    await asyncio.wait_for(settling.over(), 5)

    assert not settling.ended
    await settling.over()
    settling.end()
    assert settling.ended


async def test_who_gives_up_waiting_holds_up_nobody() -> None:
    settling = Settling(most=60.0)
    impatient, patient = asyncio.create_task(settling.over()), asyncio.create_task(settling.over())
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    settling.end()

    await asyncio.wait_for(patient, 5)
    assert impatient.cancelled()
