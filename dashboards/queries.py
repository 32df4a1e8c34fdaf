"""Questions that more than one panel asks."""

from __future__ import annotations

from typing import Final

from dashboards.board import CONSUMER, OPERATOR

BY_CONSUMER = "by (namespace, queueconsumer)"
COUNTED: Final = (
    "After an hour or more without Prometheus, and at its first scrape, one bar has all since the leader began."
)
"""What the description of a panel with `counted` has to say."""


def each(metric: str, *labels: str, where: str = "", by: str = "max") -> str:
    """A metric of every QueueConsumer, whichever pod of the operator tells it, with these labels besides."""
    names = ", ".join(("namespace", "queueconsumer", *labels))
    return f"{by} by ({names}) (queueconsumer_{metric}{{{CONSUMER}{where}}})"


def condition(name: str, value: int) -> str:
    """QueueConsumers with a condition that is True (1) or False (0). While it is Unknown there is neither."""
    where = f', condition="{name}"'
    return f"{each('status_condition', where=where)} == {value}"


def not_ready(*labels: str) -> str:
    """QueueConsumers whose condition Ready is not True, with these labels of its reason: each one has a reason."""
    return f"({each('status_ready_reason', *labels)} unless on (namespace, queueconsumer) {condition('Ready', 1)})"


def age(metric: str, matchers: str, *labels: str) -> str:
    """Seconds from the time that a metric tells to the scrape that has asked for it; of several pods the least.

    `time()` would add what has passed since the scrape: with one every 30 s, what is 10 s old would be shown as
    anything from 10 s to 40 s. Answers are written after a scrape has begun, so a time may be a moment later than it.
    """
    series = f"queueconsumer_{metric}{{{matchers}}}"
    by = f" by ({', '.join(labels)})" if labels else ""
    return f"clamp_min(min{by} (timestamp({series}) - {series}), 0)"


def age_of_reading() -> str:
    """Seconds from the last reading of every QueueConsumer's queues to the scrape."""
    return age("last_reading_timestamp_seconds", CONSUMER, "namespace", "queueconsumer")


def counted(metric: str, *labels: str, where: str = "") -> str:
    """Increases of a counter in each interval of the panel.

    increase() leaves out what happens between two windows. Here each window's last value stands beside that of the
    window before; a series that is new, or whose process has started again, counted from zero. Two things are told
    wrongly, see `COUNTED`: a window before which Prometheus had no sample for an hour has all that the process has ever
    counted, and where the same pod leads again within an hour, having counted more than before, the difference is told.
    """
    series = f"queueconsumer_{metric}{{{CONSUMER}{where}}}"
    last = f"last_over_time({series}[$__interval])"
    return (
        f"sum by ({', '.join(labels)}) (({last} - last_over_time({series}[1h] offset $__interval) >= 0) or {last}) > 0"
    )


def rate(metric: str) -> str:
    """A counter's rate per second for every QueueConsumer."""
    return f"sum {BY_CONSUMER} (rate(queueconsumer_{metric}{{{CONSUMER}}}[$__rate_interval]))"


def quantile(share: float, metric: str, matchers: str, *labels: str) -> str:
    """A quantile of a histogram of the operator."""
    names = ", ".join(("le", *labels))
    buckets = f"sum by ({names}) (rate(queueconsumer_{metric}_bucket{{{matchers}}}[$__rate_interval]))"
    return f"histogram_quantile({share}, {buckets})"


def operators(metric: str, *, by: str, aggregate: str = "sum") -> str:
    """A metric of the operator's pods by some labels."""
    return f"{aggregate} by ({by}) (queueconsumer_operator_{metric}{{{OPERATOR}}})"


def operators_rate(metric: str, *, by: str) -> str:
    """The rate per second of a counter of the operator's pods."""
    return f"sum by ({by}) (rate(queueconsumer_operator_{metric}{{{OPERATOR}}}[$__rate_interval]))"
