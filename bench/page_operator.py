"""An operator's process with nothing in it but the page and those who tell it: what the bench of the page measures.

It prints its port, then tells the page of `--members` QueueConsumers for ever, each every second, of which `--moving`
per cent look otherwise each time. Every half second one of them is scaled, and says when, by the wall's clock.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from datetime import datetime
from typing import Any

from bench.page_scene import fleet, utcnow
from qc_operator.page.server import Operator, Page
from qc_operator.registry import Known
from qc_operator.reporting import Change, rfc3339
from qc_operator.scaling.reasons import Reason
from qc_operator.surroundings import Nobody, Onlooker

ROUNDS = 30
"""Of statuses that are made beforehand, so that what is measured is the page and not what feeds it."""
PARTS = 20
"""In which a round is told, so that it is spread over its second."""
SCALED_EVERY = 0.5
SCALED = Reason.OVERRIDE.value
"""The reason of those changes, which no other has."""

Telling = tuple[Known, dict[str, Any]]


def rounds(members: int, *, moving: int) -> list[list[Telling]]:
    """So many seconds of all members' statuses."""
    courses, now = fleet(members), utcnow()
    made: list[list[Telling]] = []
    for second in range(ROUNDS):
        told = []
        for index, course in enumerate(courses):
            if second and index % 100 >= moving:
                told.append(made[0][index])
            else:
                told.append((course.about, course.step(now, second=second, length=1)[0]))
        made.append(told)
    return made


def scaled(telling: Telling) -> tuple[dict[str, Any], Change]:
    """The status of an object whose replicas were changed right now."""
    words = f"{time.time():.6f}"
    entry = {"time": rfc3339(utcnow()), "from": 0, "to": 5, "reason": SCALED, "limitedBy": "none", "message": words}
    return {**telling[1], "history": [entry, *telling[1].get("history", ())][:20]}, Change(before=0, after=5)


async def tell(onlooker: Onlooker, *, members: int, moving: int) -> None:
    """Tell it of all members each second, until the end."""
    made = rounds(members, moving=moving)
    next_scaling, number = time.monotonic(), 0
    while True:
        for part in range(PARTS):
            now: datetime = utcnow()
            for about, status in made[number % ROUNDS][part::PARTS]:
                onlooker.told(about, status=status, change=None, now=now)
            if time.monotonic() >= next_scaling:
                next_scaling += SCALED_EVERY
                telling = made[0][number % members]
                status, change = scaled(telling)
                onlooker.told(telling[0], status=status, change=change, now=now)
            await asyncio.sleep(1 / PARTS)
        number += 1


async def main() -> None:
    """Serve until it is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, required=True)
    parser.add_argument("--moving", type=int, required=True)
    parser.add_argument("--without", action="store_true", help="tell nobody")
    options = parser.parse_args()
    page = Page(
        operator=Operator(
            name="bench", pod="bench", namespace="bench", port=0, shard="", leading=lambda: True, leader=lambda: ""
        ),
        utcnow=utcnow,
    )
    telling = asyncio.create_task(
        tell(Nobody() if options.without else page.board, members=options.members, moving=options.moving)
    )
    print(await page.listen(0, host="127.0.0.1"), flush=True)
    await telling


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
