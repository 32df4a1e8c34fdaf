"""The series of each QueueConsumer, of one metric: they come with it and go with it.

prometheus_client removes series by some of their labels by a walk over all of them, which takes 4 ms among ten thousand
objects: two and a half minutes for all of them, when another process leads. Here it is known which there are.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from prometheus_client import Counter, Gauge

from qc_operator.registry import Key

Metric = TypeVar("Metric", Gauge, Counter)


class ObjectSeries(Generic[Metric]):
    """A metric whose first labels are namespace and name of a QueueConsumer."""

    def __init__(self, metric: Metric) -> None:
        self._metric: Metric = metric
        self._present: dict[Key, dict[tuple[str, ...], Metric]] = {}

    def of(self, key: Key, *labels: str) -> Metric:
        """The series of an object with these further labels, made if it is not there."""
        present = self._present.setdefault(key, {})
        series = present.get(labels)
        if series is None:
            series = present[labels] = self._metric.labels(*key, *labels)
        return series

    def drop(self, key: Key, *labels: str) -> None:
        """Take one series away, if it is there."""
        if self._present.get(key, {}).pop(labels, None) is not None:
            self._metric.remove(*key, *labels)

    def forget(self, key: Key) -> None:
        """Take all series of an object away."""
        for labels in self._present.pop(key, {}):
            self._metric.remove(*key, *labels)


class KnownNumber:
    """A number of a queue that is absent while it is not known: the last one known would pass for a fresh one."""

    def __init__(self, series: ObjectSeries[Gauge]) -> None:
        self._series = series

    def set(self, key: Key, queue: str, value: int | None) -> None:
        """Set the number, or take its series away."""
        if value is None:
            self._series.drop(key, queue)
        else:
            self._series.of(key, queue).set(value)

    def forget(self, key: Key) -> None:
        """Take the series of all queues of an object away."""
        self._series.forget(key)
