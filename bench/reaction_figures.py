"""From trials to figures: what `make bench-react` reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isinf
from statistics import fmean
from typing import Any

from bench.operator_histogram import Histogram
from bench.percentiles import percentile
from bench.report import Figure, Missing, Report
from bench.stage import Reaction

WRITTEN = "message confirmed -> /scale written"
READY = "message confirmed -> first pod Ready"
CONFIRM = "message published -> confirmed"
BARE = "bare loop: confirmed -> /scale written"
RATIO = "operator / bare loop until the write, mean"
ACCEPTED = "operator: reading -> written"
GOALS_MS = {50: 200.0, 99: 600.0}
NOTES = (
    "Times end with the arrival of a watch's event in the bench's process: they include the watch's delivery.",
    "With fewer than 100 trials the p99 is the worst of them.",
)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All that one run has seen."""

    operator: Sequence[Reaction]
    bare: Sequence[Reaction]
    histogram: Histogram
    """What the operator observed during its trials."""
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    notes: Sequence[str] = ()
    """What else a reader must know of this run."""


def report(measured: Measured) -> Report:
    """Figures in milliseconds, and by name what could not be measured."""
    figures: list[Figure] = []
    missing: list[Missing] = []
    written = [reaction.written for reaction in measured.operator]
    figures += [_milliseconds(WRITTEN, written, rank=rank, goal=goal) for rank, goal in GOALS_MS.items()]
    figures.append(Figure(name=f"{WRITTEN}, mean", value=1000 * fmean(written), unit="ms"))
    ready = [reaction.ready for reaction in measured.operator if reaction.ready is not None]
    if len(ready) == len(measured.operator):
        figures += [_milliseconds(READY, ready, rank=rank) for rank in GOALS_MS]
    else:
        never = len(measured.operator) - len(ready)
        missing.append(Missing(name=READY, reason=f"in {never} of {len(measured.operator)} trials no pod became Ready"))
    figures.append(_milliseconds(CONFIRM, [reaction.confirmed for reaction in measured.operator], rank=50))
    if measured.bare:
        bare = [reaction.written for reaction in measured.bare]
        figures += [_milliseconds(BARE, bare, rank=rank) for rank in GOALS_MS]
        # Of the means: chance moves a median of times that are spread evenly over 200 ms further.
        figures.append(Figure(name=RATIO, value=fmean(written) / fmean(bare), unit="x"))
    else:
        missing.append(Missing(name=RATIO, reason="no trials of the bare loop were asked for"))
    _add_histogram(measured, figures, missing)
    return Report(
        bench="react",
        machine=measured.machine,
        versions=measured.versions,
        figures=figures,
        missing=missing,
        notes=(*NOTES, *measured.notes),
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
    for rank in GOALS_MS:
        name, bound = f"{ACCEPTED}, p{rank} at most", measured.histogram.at_most(rank=rank)
        if isinf(bound):
            missing.append(Missing(name=name, reason="it lies above the histogram's last bound"))
        else:
            # A histogram knows the bound of the bucket and not the value.
            figures.append(Figure(name=name, value=1000 * bound, unit="ms"))
