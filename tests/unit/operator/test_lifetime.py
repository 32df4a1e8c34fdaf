"""The parts of a process: they go on together, and all end in order."""

import asyncio
from collections.abc import Callable

from qc_operator.lifetime import live


class Served:
    """A reconciler that only writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def lead(self) -> None:
        self.told.append("lead")

    def follow(self) -> None:
        self.told.append("follow")


async def forever() -> None:
    await asyncio.Event().wait()


async def run(served: Served, *, known: Callable[[], object], stop: asyncio.Event, part: object = None) -> int:
    return await live(
        [part or forever()],  # type: ignore[list-item]
        elector=None,
        known=(known,),  # type: ignore[arg-type]
        reconciler=served,  # type: ignore[arg-type]
        stop=stop,
    )


async def test_it_serves_once_all_is_known_and_ends_when_it_is_asked_to() -> None:
    served, known, stop = Served(), asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(run(served, known=known.wait, stop=stop))
    await asyncio.sleep(0.01)
    assert [] == served.told

    known.set()
    await asyncio.sleep(0.01)
    assert ["lead"] == served.told

    stop.set()
    assert 0 == await asyncio.wait_for(running, 5)
    assert ["lead", "follow"] == served.told


async def test_who_is_stopped_before_all_is_known_has_never_served() -> None:
    served, stop = Served(), asyncio.Event()
    stop.set()

    assert 0 == await asyncio.wait_for(run(served, known=forever, stop=stop), 5)
    assert ["follow"] == served.told


async def test_a_part_that_fails_ends_all_with_a_failure() -> None:
    async def fails() -> None:
        raise ValueError("a mistake")

    served = Served()

    assert 1 == await asyncio.wait_for(run(served, known=forever, stop=asyncio.Event(), part=fails()), 5)
    assert ["follow"] == served.told
