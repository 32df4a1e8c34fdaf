"""The live page, served by a real server, of two hours of a shop."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from bench.page_course import Course
from bench.page_scene import ABOVE, tell_shop, utcnow
from qc_operator.page.server import Operator, Page
from qc_operator.registry import Known
from qc_operator.reporting import Change
from qc_operator.scaling.pause import REPLICAS


@dataclass
class Served:
    """The page and what it shows. `leads` may be set by the test."""

    leads: bool = True
    leader: str = "pod-b"
    courses: list[Course] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        self.page = Page(
            operator=Operator(
                name="queueconsumer-operator",
                pod="pod-a",
                namespace="queueconsumer",
                port=8081,
                shard="",
                leading=lambda: self.leads,
                leader=lambda: self.leader,
                lease="queueconsumer-operator",
            ),
            utcnow=utcnow,
            hosts=("queueconsumer-operator", "Queues.example.com"),
        )

    async def listen(self, port: int = 0) -> None:
        bound = await self.page.listen(port, host="127.0.0.1")
        self.url = f"http://127.0.0.1:{bound}"

    def only_at_once(self) -> None:
        """Have nothing sent but what is sent at once: no update comes every 3 s."""
        self.page._stream._every = 3600.0

    def tell(
        self, about: Known, status: dict[str, Any], *, change: Change | None = None, at: datetime | None = None
    ) -> None:
        self.page.board.told(about, status=status, change=change, now=at or utcnow())

    def course(self, name: str) -> Course:
        return next(course for course in self.courses if course.about.key.name == name)

    def scale(self, name: str, *, to: int) -> None:
        """Have one scaled now: from zero by messages, otherwise by a person's word, which takes no time."""
        course = self.course(name)
        if course.desired:
            course.annotate({REPLICAS: str(to)})
        else:
            course.lag = float(to * ABOVE)
        status, change = course.step(utcnow(), second=10_000, length=0)
        assert change is not None
        self.tell(course.about, status, change=change)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Debian's Chromium is; `make packages` installs it."""
    found = shutil.which("chromium")
    assert found, "there is no chromium: run `python3 -m devcluster packages` as root, or install it"
    return found


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    """Serve it."""
    made = Served()
    made.courses = tell_shop(made.page.board, now=utcnow())
    await made.listen()
    yield made
    await made.page.close()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as made:
        yield made
