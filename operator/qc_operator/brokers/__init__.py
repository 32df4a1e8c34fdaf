"""Reading queues: the adapters to RabbitMQ and the contract that the reconciler knows them by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from qc_operator.scaling.holdings import Holding
from qc_operator.scaling.observation import EntryObservation


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSource:
    """Where an entry of `spec.queues` finds its queues: by name, or by a pattern. One of the two is set."""

    name: str | None = None
    pattern: str | None = None
    vhost: str | None = None
    """Set where it differs from the broker's."""
    rated: bool = False
    """Whether a target needs the counters of published, delivered and acknowledged messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a broker cannot be read at all: a CamelCase reason and a sentence without secrets."""

    reason: str
    message: str


class Feed(Protocol):
    """The readings of one QueueConsumer's queues, kept fresh until it is closed."""

    @property
    def broker(self) -> str:
        """Hosts and ports that are read, as people write them; empty while they are not known."""

    @property
    def problem(self) -> Problem | None:
        """What stands in the way of every queue, or None."""

    @property
    def work_waits(self) -> bool:
        """Whether there are messages in any of the queues, as far as is known. It costs next to nothing."""

    def observe(self) -> tuple[EntryObservation, ...]:
        """The latest readings, one for each source, in their order. No I/O."""

    def expect_change(self, *, at_zero: bool, at_rest: bool = False) -> None:
        """Say whether the target is at zero, which has the queues read at the fast interval.

        `at_rest`: nothing but a message can bring a change, so readings that say the same need be told less often.
        """

    async def holdings(self, told_by_hosts: Callable[[Sequence[str]], bool]) -> tuple[Holding, ...]:
        """Ask who holds messages that are not acknowledged; what the broker says of that is up to 5 s old.

        `told_by_hosts` says whether the addresses of those who consume tell enough; otherwise names are asked for, too.
        Raises `ManagementError`.
        """

    def close(self) -> None:
        """Stop reading, as far as nobody else reads the same queues."""


class Feeds(Protocol):
    """Opens feeds; those of one broker and vhost share one connection."""

    def open(
        self,
        *,
        namespace: str,
        secret: str,
        vhost: str | None,
        queues: Sequence[QueueSource],
        notify: Callable[[], None],
    ) -> Feed:
        """Start reading. `notify` is called, without delay, when a reading says something new, and now and then."""
