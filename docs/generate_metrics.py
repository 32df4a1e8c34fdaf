# ruff: noqa: INP001 - a script beside the pages that it writes, not a package
"""Write docs/metrics.md, the reference of the operator's metrics, from the code.

`--check` writes nothing and exits with 1 when the page is out of date.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from qc_operator.metric_families import FAMILIES, OBJECT
from qc_operator.metrics import Metrics

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "metrics.md"

INTRODUCTION: Final = """\
<!-- Written by docs/generate_metrics.py from the operator's code: `make generate` writes it again. -->
# Metrics

`http://POD:8080/metrics`, also by the chart's Service, port `metrics`, in Prometheus' text format 0.0.4, or in
OpenMetrics 1.0 for who asks for it by `Accept`, compressed for who asks by `Accept-Encoding`. `?name[]=...` gives some
of them.

* **What is not known has no series.** The last known number would pass for a fresh one, and 0 for an empty queue.
* Only the pod that leads has the series of QueueConsumers, and they end when one is deleted. After a change of leader
  counters begin at 0 again, as `rate()` and `increase()` expect.
* `namespace` is the QueueConsumer's. So that the scrape does not overwrite it, set `honorLabels: true` in a
  ServiceMonitor, as the chart does, or `honor_labels: true` in Prometheus' own configuration.
* Names are as kube-state-metrics forms them: `spec_` is what was written, `status_` what was decided and done. Times
  are timestamps: `time() - queueconsumer_last_reading_timestamp_seconds` is an age in seconds, with what has passed
  since the scrape; the dashboards leave that out, by `timestamp(...)` of the same series in place of `time()`.
* Messages are those of all entries of `spec.queues` together; each entry has its own figures in `status.queues`.
* A QueueConsumer with `lag` and `wait`, a fallback and a pause has 43 series in 5 kB. A scrape of 1,000 takes
  16 ms of a core: [benchmarks](benchmarks.md#scraping-make-bench-scrape).
* No label holds anything of a Secret but the broker's hosts and ports, and the vhost.

`reason` and `limited_by` have the words of [decisions](decisions.md#reasons), those of
`queueconsumer_status_ready_reason` and `queueconsumer_reading_failures_total` the words of
[Ready](operations.md#what-ready-says-and-what-to-do).
"""

QUESTIONS: Final = (
    (
        "Who is late, and how late?",
        "queueconsumer_estimated_wait_seconds / queueconsumer_spec_objective_wait_seconds > 1",
    ),
    (
        "Which share of an hour was the objective missed?",
        "rate(queueconsumer_objective_missed_seconds_total[1h]) / rate(queueconsumer_objective_seconds_total[1h])",
    ),
    ("Who would have more replicas but for maxReplicas?", 'queueconsumer_status_decision{limited_by="max"}'),
    ("How old is what is known of the queues?", "time() - queueconsumer_last_reading_timestamp_seconds"),
    (
        "How often did replicas change in a day, and why?",
        "sum by (direction, reason) (increase(queueconsumer_scale_events_total[1d]))",
    ),
    (
        "Which share of what is delivered is delivered once more?",
        (
            "rate(queueconsumer_queue_redelivered_messages_total[10m])\n"
            "  / (rate(queueconsumer_queue_acked_messages_total[10m])"
            " + rate(queueconsumer_queue_redelivered_messages_total[10m]))"
        ),
    ),
    (
        "Whom does a broker that is down concern?",
        "queueconsumer_info and on (broker) (queueconsumer_operator_broker_up == 0)",
    ),
    (
        "How fast is the operator?",
        (
            "histogram_quantile(0.99,\n"
            '  sum by (le) (rate(queueconsumer_operator_reaction_seconds_bucket{direction="up"}[1h])))'
        ),
    ),
)
"""Each with a query."""

FOOT: Final = """\
An `increase()` does not see the first event of a kind that a person causes: SpecChanged and Override have no zeros
before. All other kinds that the spec can bring about begin at 0.
"""


def page() -> str:
    """Return the whole page."""
    metrics = Metrics()
    metrics.watch_brokers(lambda: ())
    of_objects = [_row(family.name, family.type, family.labels, family.help) for family in FAMILIES]
    of_process = [_row(*each) for each in metrics.process.described]
    both = ", ".join(f"`{label}`" for label in OBJECT)
    lines = [
        INTRODUCTION,
        "## Of each QueueConsumer\n",
        f"All have the labels {both} besides those in the table.\n",
        *_table("object metrics", of_objects),
        "## Of the operator's process\n",
        "Every pod of the operator has them, and besides `process_*` and `python_gc_*` of prometheus_client: CPU,",
        "memory, open files, garbage collections.\n",
        *_table("process metrics", of_process),
        "## Questions\n",
        *(f"{question}\n\n```promql\n{query}\n```\n" for question, query in QUESTIONS),
        FOOT.rstrip("\n"),
    ]
    return "\n".join(lines) + "\n"


def _table(name: str, rows: Iterable[str]) -> list[str]:
    return [
        f"<!-- {name} -->",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
        *rows,
        f"<!-- end of {name} -->",
        "",
    ]


def _row(name: str, kind: str, labels: Iterable[str], text: str) -> str:
    return f"| `{name}` | {kind} | {', '.join(labels)} | {text} |"


def main() -> int:
    """Write the page, or compare it; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = parser.parse_args().check
    wanted = page()
    if not check:
        PAGE.write_text(wanted)
        return 0
    if PAGE.exists() and PAGE.read_text() == wanted:
        return 0
    sys.stderr.write(
        f"{PAGE.relative_to(ROOT)} does not say what the operator's code says; `make generate` writes it again\n"
    )
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
