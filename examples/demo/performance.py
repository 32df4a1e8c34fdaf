"""The play itself: sets the rates of the story, shows it, waits until all is quiet, collects results."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.live import Live

from .failure import DemoError
from .observation import CONSUMERS, Observation
from .observer import Observer
from .progress import Progress
from .replica_history import ReplicaHistory, first_above_zero
from .service_proxy import ServiceProxy, UnreachableError
from .story import QUIET, Phase, phase_at
from .summary import Effects, Scaling, Summary
from .view import Frame, live, new_changes, plain

FRAME_SECONDS = 1.0
LINE_SECONDS = 2.5
"""Between two lines when the output is no terminal."""
QUIET_LIMIT_SECONDS = 240.0
"""For the backlog of Black Friday, idleAfterSeconds and the last pods' end; about 60 s when all is well."""


@dataclass(kw_only=True)
class Performance:
    """What was seen, for the chart and the recording."""

    observer: Observer
    history: ReplicaHistory
    phases: tuple[Phase, ...]
    progress: Progress
    page: str | None = None
    """Where the live page is, to be shown all the time."""
    clock: Callable[[], float] = time.time
    started_at: float = 0.0
    ended_at: float = 0.0
    peak: Frame | None = None
    """The frame with the most replicas running and, among those, the longest queues."""
    _last_line_at: float = 0.0
    _told: Observation = field(default_factory=Observation)

    def play(self) -> Summary:
        """From the first order to the last replica gone, or to QUIET_LIMIT_SECONDS after the last order."""
        self.started_at = self.clock()
        # Only a terminal gets the picture that redraws itself; a log gets lines.
        if self.progress.console.is_terminal:
            with Live(console=self.progress.console, auto_refresh=False, transient=True) as screen:
                self._run(lambda frame: screen.update(live(frame), refresh=True))
        else:
            self._run(self._print_line)
        self.ended_at = self.clock()
        return self._collect()

    def _run(self, show: Callable[[Frame], None]) -> None:
        current: Phase | None = None
        # What happened before the first order, as in an earlier demo that was kept, is not of this one.
        self._told = self.observer.look()
        limit = sum(phase.seconds for phase in self.phases) + QUIET_LIMIT_SECONDS
        while (elapsed := self.clock() - self.started_at) < limit:
            phase, left = phase_at(self.phases, elapsed=elapsed)
            if phase is not current:
                self._set_rate(phase)
                current = phase
            frame = self._frame(phase, left)
            show(frame)
            if phase is QUIET and frame.observation.at_rest:
                return
            # To the next whole frame: what reading took is no reason to drift.
            time.sleep(FRAME_SECONDS - (self.clock() - self.started_at) % FRAME_SECONDS)

    def _set_rate(self, phase: Phase) -> None:
        for attempt in range(5):
            try:
                self.observer.orders.put("/rate", {"perSecond": phase.per_second})
            except UnreachableError as error:
                if attempt == 4:  # noqa: PLR2004 - the last of five
                    raise DemoError(f"the order service does not take the rate of {phase.name}: {error}") from error
                time.sleep(1)
            else:
                return

    def _frame(self, phase: Phase, left: float) -> Frame:
        frame = Frame(
            observation=self.observer.look(),
            phase=phase,
            left_seconds=left,
            wanted={name: self.history.wanted(name) for name in CONSUMERS},
            now=self.clock(),
            page=self.page,
        )
        if self.peak is None or _height(frame.observation) > _height(self.peak.observation):
            self.peak = frame
        return frame

    def _print_line(self, frame: Frame) -> None:
        for change in new_changes(frame, before=self._told):
            self.progress.detail(f"    {change}")
        self._told = frame.observation
        if frame.now - self._last_line_at >= LINE_SECONDS or frame.observation.at_rest:
            self._last_line_at = frame.now
            self.progress.detail(plain(frame))

    def _collect(self) -> Summary:
        try:
            before = self.clock()
            stats = self.observer.orders.get("/stats")
            # On a cluster somewhere else, the order service's clock may differ from this machine's: by how
            # much, its own time in the answer tells, to half the time that the request took.
            ahead = stats["now"] - (before + self.clock()) / 2
            orders = self.observer.orders.get("/orders")
            effects = (
                _effects("receipts", self.observer.mail),
                _effects("invoices", self.observer.invoices),
            )
        except UnreachableError as error:
            raise DemoError(f"the shop's books cannot be read: {error}") from error
        first = stats["firstConfirmedAt"]
        return Summary(
            placed=stats["placed"],
            confirmed=frozenset(orders["confirmed"]),
            failed=frozenset(orders["failed"]),
            effects=effects,
            scaling=tuple(self._scaling(name, None if first is None else first - ahead) for name in CONSUMERS),
        )

    def _scaling(self, name: str, first_order_at: float | None) -> Scaling:
        wanted, running = self.history.wanted(name), self.history.running(name)
        asked = first_above_zero(wanted)
        return Scaling(
            what=name,
            most_wanted=max((step.value for step in wanted), default=0),
            most_running=max((step.value for step in running), default=0),
            wanted_at_the_end=wanted[-1].value if wanted else 0,
            running_at_the_end=running[-1].value if running else 0,
            # Two clocks were compared, to half a request's time: a replica is not asked for before the message.
            first_asked_after_seconds=None
            if asked is None or first_order_at is None
            else max(0.0, asked - first_order_at),
        )


def _height(observation: Observation) -> tuple[int, int]:
    running = sum(consumers.running for consumers in observation.consumers)
    return running, sum(consumers.ready or 0 for consumers in observation.consumers)


def _effects(what: str, service: ServiceProxy) -> Effects:
    stats = service.get("/stats")
    return Effects(
        what=what,
        order_ids=frozenset(service.get("/orders")),
        repeated=stats["repeated"],
        longest_wait_seconds=stats["longestWaitSeconds"],
    )
