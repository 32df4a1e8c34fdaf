"""Questions that more than one panel asks."""

from __future__ import annotations

from dashboards.board import CONSUMER

BY_CONSUMER = "by (namespace, queueconsumer)"


def each(metric: str, *labels: str, where: str = "", by: str = "max") -> str:
    """A metric of every QueueConsumer, whichever pod of the operator tells it, with these labels besides."""
    names = ", ".join(("namespace", "queueconsumer", *labels))
    return f"{by} by ({names}) (queueconsumer_{metric}{{{CONSUMER}{where}}})"


def counted(metric: str, *labels: str, where: str = "") -> str:
    """Increases of a counter in each interval of the panel, of which none is lost and none is counted twice.

    increase() leaves out what happens between two windows. Here each window's last value stands beside that of the
    window before; a series that is new, or whose process has started again, counted from zero.
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
