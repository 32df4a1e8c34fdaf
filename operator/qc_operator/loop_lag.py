"""How late the event loop is: who holds it up holds up every reading, decision and write."""

from __future__ import annotations

import asyncio
from typing import Final

from qc_operator.timings import Timing

EVERY: Final = 0.25
"""Seconds between two looks."""


async def watch_loop(lags: Timing) -> None:
    """Observe for ever by how many seconds a timer is late."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + EVERY
        await asyncio.sleep(EVERY)
        lags.observe(max(loop.time() - due, 0.0))
