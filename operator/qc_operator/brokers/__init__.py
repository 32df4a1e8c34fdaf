"""Reading queues: the adapters to RabbitMQ and the contract that the reconciler knows them by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from qc_operator.scaling.observation import QueueObservation

NOT_READ_YET = "NotReadYet"
"""The cause of a reading that is unknown because the first one has not come in yet: no reason to tell anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueName:
    """A queue of a QueueConsumer. `vhost` is set where it differs from the broker's."""

    name: str
    vhost: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a broker cannot be read at all: a CamelCase reason and a sentence without secrets."""

    reason: str
    message: str


class Feed(Protocol):
    """The readings of one QueueConsumer's queues, kept fresh until it is closed."""

    @property
    def problem(self) -> Problem | None:
        """What stands in the way of every queue, or None."""

    def observe(self) -> tuple[QueueObservation, ...]:
        """The latest readings, in the order the queues were given. No I/O."""

    def expect_change(self, *, at_zero: bool) -> None:
        """Say whether the target is at zero, which has the queues read at the fast interval."""

    def close(self) -> None:
        """Stop reading, as far as nobody else reads the same queues."""


class Feeds(Protocol):
    """Opens feeds; those of one broker and vhost share one connection."""

    def open(
        self, *, namespace: str, secret: str, vhost: str | None, queues: Sequence[QueueName], notify: Callable[[], None]
    ) -> Feed:
        """Start reading. `notify` is called, without delay, whenever a reading has come in."""
