"""Never two that may write: whatever the network does to requests and answers, and people to the Lease."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from qc_operator.leadership import Leadership
from qc_operator.lease_record import RELEASED_SECONDS, Record, Sight, Timing

TIMING = Timing(lease_seconds=8, renew_deadline=5.0, retry=1.0)
PROCESSES = 3


@dataclass
class Process:
    """What one process knows: its state, and the uid and version of the Lease as it last saw it."""

    identity: str
    state: Leadership = field(init=False)
    known: tuple[int, int] | None = None
    asking: "Request | None" = None

    def __post_init__(self) -> None:
        self.state = Leadership(identity=self.identity, timing=TIMING)


@dataclass
class Request:
    """A look, or a write if there is a record; on its way, then done, then answered or not."""

    process: Process
    asked_at: float
    record: Record | None = None
    known: tuple[int, int] | None = None
    done: bool = False
    answer: tuple[tuple[int, int], Sight] | None = None
    """What the server said; None for "there is none" to a look, and for a refusal to a write."""


class World:
    """A server, a network that delays and loses, processes that are started again, and people."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.now = 1000.0
        self.uid = 0
        self.version = 0
        self.sight: Sight | None = None
        self.started = 0
        self.claims = 0
        self.processes = [self.new_process() for _ in range(PROCESSES)]
        self.cut: set[int] = set()
        self.requests: list[Request] = []
        self.leaders: list[str] = []
        if random.random() < 0.5:
            self.put(Record(seconds=RELEASED_SECONDS))

    def new_process(self) -> Process:
        self.started += 1
        return Process(f"process-{self.started}")

    def put(self, record: Record) -> None:
        self.version += 1
        if self.sight is None:
            self.uid += 1
        self.sight = Sight(uid=str(self.uid), record=record)

    def wall(self) -> datetime:
        # No two claims are of the same microsecond.
        self.claims += 1
        return datetime(2026, 11, 27, tzinfo=UTC) + timedelta(seconds=self.now, microseconds=self.claims)

    def wait(self) -> None:
        self.now += self.random.choice([0.1, 0.1, 0.4, 0.4, 1.0])

    def wait_long(self) -> None:
        self.now += self.random.choice([2.9, 3.0, 3.1, 4.9, 5.0, 7.9, 8.0])

    def some(self) -> int:
        return self.random.randrange(PROCESSES)

    def look(self, number: int) -> Request:
        process = self.processes[number]
        process.asking = Request(process=process, asked_at=self.now)
        self.requests.append(process.asking)
        return process.asking

    def write(self, number: int) -> Request | None:
        process = self.processes[number]
        if (claimed := process.state.claim(now=self.now, wall=self.wall())) is None:
            return None
        process.asking = Request(process=process, asked_at=self.now, known=process.known, record=claimed[1])
        self.requests.append(process.asking)
        return process.asking

    def turn(self) -> None:
        """All goes well, unless the network lets nothing of it pass for now."""
        number = self.some()
        if (asking := self.processes[number].asking) is not None and self.random.random() < 0.7:
            # It waits for an answer, which may come late.
            if self.random.random() < 0.1:
                self.answer(asking)
            return
        look = self.look(number)
        if number in self.cut:
            self.write(number)
            return
        self.deliver(look)
        self.answer(look)
        if (write := self.write(number)) is not None:
            self.deliver(write)
            self.answer(write)

    def begin(self) -> None:
        self.random.choice([self.look, self.write])(self.some())

    def deliver_some(self) -> None:
        """Perhaps long after whoever sent it has given it up."""
        if self.requests:
            # One of the last, as a rule: what is old is mostly out of date.
            self.deliver(self.random.choice(self.requests[-self.random.choice([3, 30]) :]))

    def answer_some(self) -> None:
        if self.requests:
            self.answer(self.random.choice(self.requests[-3:]))

    def deliver(self, request: Request) -> None:
        """It reaches the server."""
        if request.done:
            return
        request.done = True
        current = (self.uid, self.version) if self.sight is not None else None
        if request.record is not None and request.known == current:
            self.put(request.record)
            assert self.sight
            request.answer = (self.uid, self.version), self.sight
        elif request.record is None and current and self.sight:
            request.answer = current, self.sight

    def answer(self, request: Request) -> None:
        """Its answer arrives, if it was delivered and is still waited for; otherwise it is lost."""
        process = request.process
        if not request.done or process.asking is not request:
            return
        process.asking = None
        if request.record is None:
            process.known = request.answer[0] if request.answer else None
            process.state.see(request.answer[1] if request.answer else None, now=self.now)
        elif request.answer:
            process.known = request.answer[0]
            process.state.wrote(request.answer[1], asked_at=request.asked_at, now=self.now)

    def write_slowly(self) -> None:
        number = self.some()
        if number not in self.cut and (write := self.write(number)) is not None:
            self.deliver(write)

    def cut_or_heal(self) -> None:
        self.cut ^= {self.some()}

    def kill(self) -> None:
        self.processes[self.some()] = self.new_process()

    def give_back(self) -> None:
        number = self.some()
        process = self.processes[number]
        record = process.state.handover(now=self.now, wall=self.wall())
        self.processes[number] = self.new_process()
        if record is not None and self.sight is not None and process.known == (self.uid, self.version):
            self.put(record)

    def delete_by_hand(self) -> None:
        self.sight = None
        self.version += 1

    def edit_by_hand(self) -> None:
        if self.sight is not None:
            holders = ["", "somebody", *(process.identity for process in self.processes)]
            changes: dict[str, Any] = self.random.choice(
                [
                    {"holder": self.random.choice(holders)},
                    {"seconds": self.random.choice([None, 2, 8, 30])},
                    {"acquired": None, "transitions": 0},
                ]
            )
            # Emptied and of one second it would be as its holder gives it back, which is then believed.
            self.put(replace(self.sight.record, **changes))

    def check(self) -> None:
        allowed = [process.identity for process in self.processes if process.state.remaining(now=self.now) > 0]
        assert len(allowed) <= 1, allowed
        self.leaders += [identity for identity in allowed if identity not in self.leaders[-1:]]


WEIGHTS: dict[Callable[[World], None], int] = {
    World.wait: 300,
    World.turn: 300,
    World.begin: 30,
    World.deliver_some: 60,
    World.answer_some: 60,
    World.wait_long: 12,
    World.cut_or_heal: 24,
    World.kill: 3,
    World.give_back: 6,
    World.delete_by_hand: 6,
    World.edit_by_hand: 6,
    World.write_slowly: 20,
}


def lived_through(seed: int, *, steps: int = 800) -> World:
    random = Random(seed)  # noqa: S311 - no secret
    world = World(random)
    for step in random.choices(list(WEIGHTS), list(WEIGHTS.values()), k=steps):
        step(world)
        world.check()
    return world


@given(seed=st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_never_two_may_write(seed: int) -> None:
    lived_through(seed)


def test_and_it_does_change_hands() -> None:
    changes = sorted(len(lived_through(seed).leaders) for seed in range(40))

    assert changes[20] >= 4
