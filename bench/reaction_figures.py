"""From trials to figures: what `make bench-react` reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.operator_histogram import Histogram
from bench.percentiles import percentile
from bench.report import Figure, Missing, Report
from bench.stage import Reaction

WRITTEN = "message confirmed -> /scale written (a watch's event has come)"
READY = "message confirmed -> first pod Ready (a watch's event has come)"
ACCEPTED = "operator's own histogram, reading -> write accepted"
BARE = "bare loop, the same until /scale is written"
RATIO = "operator / bare loop until /scale is written, p50"
GOALS_MS = {50: 200.0, 99: 600.0}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All that one run has seen."""

    operator: Sequence[Reaction]
    bare: Sequence[Reaction]
    histogram: Histogram
    """What the operator observed during its trials."""
    machine: Mapping[str, Any]
    versions: Mapping[str, str]


def report(measured: Measured) -> Report:
    """Figures in milliseconds, and by name what could not be measured."""
    figures: list[Figure] = []
    missing: list[Missing] = []
    written = [reaction.written for reaction in measured.operator]
    figures += [_milliseconds(WRITTEN, written, rank=rank, goal=goal) for rank, goal in GOALS_MS.items()]
    ready = [reaction.ready for reaction in measured.operator if reaction.ready is not None]
    if len(ready) == len(measured.operator):
        figures += [_milliseconds(READY, ready, rank=rank) for rank in GOALS_MS]
    else:
        never = len(measured.operator) - len(ready)
        missing.append(Missing(name=READY, reason=f"in {never} of {len(measured.operator)} trials no pod became Ready"))
    figures.append(_milliseconds("publish -> confirm", [reaction.confirmed for reaction in measured.operator], rank=50))
    if measured.bare:
        bare = [reaction.written for reaction in measured.bare]
        figures += [_milliseconds(BARE, bare, rank=rank) for rank in GOALS_MS]
        ratio = percentile(written, rank=50) / percentile(bare, rank=50)
        figures.append(Figure(name=RATIO, value=ratio, unit="x"))
    else:
        missing.append(Missing(name=RATIO, reason="no trials of the bare loop were asked for"))
    _add_histogram(measured, figures, missing)
    return Report(
        bench="react",
        machine=measured.machine,
        versions=measured.versions,
        figures=figures,
        missing=missing,
    )


def _milliseconds(name: str, seconds: Sequence[float], *, rank: int, goal: float | None = None) -> Figure:
    return Figure(name=f"{name}, p{rank}", value=1000 * percentile(seconds, rank=rank), unit="ms", goal=goal)


def _add_histogram(measured: Measured, figures: list[Figure], missing: list[Missing]) -> None:
    """Its figures are true only if it observed our trials and nothing else."""
    count, wanted = measured.histogram.count, len(measured.operator)
    if count != wanted:
        reason = f"it has {count} observations of {wanted} trials: restarted, or there are other QueueConsumers"
        missing.append(Missing(name=ACCEPTED, reason=reason))
        return
    figures.append(Figure(name=f"{ACCEPTED}, mean", value=1000 * measured.histogram.mean, unit="ms"))
    figures += [
        # A histogram knows the bound of the bucket and not the value.
        Figure(name=f"{ACCEPTED}, p{rank} at most", value=1000 * measured.histogram.at_most(rank=rank), unit="ms")
        for rank in GOALS_MS
    ]
