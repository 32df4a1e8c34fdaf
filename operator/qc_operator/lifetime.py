"""The life of a process: its parts go on together, it serves while the Lease is its own, and all ends in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

from qc_operator.elector import Elector
from qc_operator.reconciler import Reconciler

STOP_TIMEOUT: Final = 20.0
"""Seconds in which everything must have ended. kopf waits 5 s for what its watch has begun."""

log = logging.getLogger(__name__)


async def live(
    parts: list[Coroutine[Any, Any, None]],
    *,
    elector: Elector | None,
    known: Sequence[Callable[[], Awaitable[object]]],
    reconciler: Reconciler,
    stop: asyncio.Event,
) -> int:
    """Run all parts until `stop` is set or one of them fails, and lead meanwhile. Returns the exit status."""
    tasks = {asyncio.create_task(part) for part in parts}
    leading = asyncio.create_task(lead(elector, known=known, reconciler=reconciler, stop=stop))
    await asyncio.wait({leading, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    failed = [task for task in (leading, *tasks) if task.done() and not task.cancelled() and task.exception()]
    for task in failed:
        log.error("a part of the operator failed", exc_info=task.exception())
    asked_for = stop.is_set()
    stop.set()
    await asyncio.wait({leading})
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=STOP_TIMEOUT)
    return 0 if asked_for and not failed else 1


async def lead(
    elector: Elector | None,
    *,
    known: Sequence[Callable[[], Awaitable[object]]],
    reconciler: Reconciler,
    stop: asyncio.Event,
) -> None:
    """Serve, whenever the Lease is ours, until `stop`.

    Not before all is `known` that has to be waited for: of two objects that name one target the older one owns it, and
    may be shown later; and who cannot list them, or their namespaces, must not keep the Lease from somebody who can.
    """

    async def know() -> None:
        for what in known:
            await what()

    stopping, knowing = asyncio.create_task(stop.wait()), asyncio.create_task(know())
    await asyncio.wait({stopping, knowing}, return_when=asyncio.FIRST_COMPLETED)
    knowing.cancel()
    if elector is None:
        if not stop.is_set():
            reconciler.lead()
        await stopping
    elif not stop.is_set():
        electing = asyncio.create_task(elector.run(on_lead=reconciler.lead, on_follow=reconciler.follow))
        await asyncio.wait({stopping, electing}, return_when=asyncio.FIRST_COMPLETED)
        # First the writes under way, then the Lease, then the rest: the next one need not wait for it.
        elector.stop()
        await electing
    reconciler.follow()
