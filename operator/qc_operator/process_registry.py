"""The metrics of the process itself, each with the words that the page about them has for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge

from qc_operator.timings import Moment, Timings

PREFIX: Final = "queueconsumer_operator_"


class Described(NamedTuple):
    """A metric of the process, in words."""

    name: str
    type: str
    labels: tuple[str, ...]
    help: str


class ProcessRegistry(CollectorRegistry):
    """Makes them, under names that begin with `PREFIX`."""

    def __init__(self) -> None:
        super().__init__()
        self.described: list[Described] = []
        """Those that are ours."""

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """A number that goes up and down."""
        self.described.append(Described(PREFIX + name, "gauge", labels, text))
        return Gauge(PREFIX + name, text, labels, registry=self)

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """A number that goes up; its samples have `_total` after the name."""
        self.described.append(Described(f"{PREFIX}{name}_total", "counter", labels, text))
        return Counter(PREFIX + name, text, labels, registry=self)

    def moment(self, name: str, text: str) -> Moment:
        """A time that there may not be."""
        self.described.append(Described(PREFIX + name, "gauge", (), text))
        return Moment(PREFIX + name, text, registry=self)

    def timings(
        self,
        name: str,
        text: str,
        *,
        bounds: Sequence[float],
        labels: tuple[str, ...] = (),
        known: Sequence[tuple[str, ...]] = ((),),
    ) -> Timings:
        """A histogram of seconds; `known` are values of its labels that are there from the start."""
        self.described.append(Described(PREFIX + name, "histogram", labels, text))
        return Timings(PREFIX + name, text, bounds=bounds, labels=labels, known=known, registry=self)
