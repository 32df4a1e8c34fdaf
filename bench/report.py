"""What a bench has to say: a table for people on standard error, one JSON object for programs on standard output."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number that was measured."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    """In the same unit; None where there is none."""
    better: Literal["less", "more"] = "less"
    """Whether the goal is the most or the least that the value may be."""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.better == "less" else self.value >= self.goal


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A figure that could not be measured, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """All figures of one run, with what they were measured on."""

    bench: str
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    figures: Sequence[Figure]
    missing: Sequence[Missing] = ()
    notes: Sequence[str] = ()
    """Sentences that a reader of the figures must know."""

    def as_json(self) -> str:
        """One line. Values are rounded to four significant digits: more would be noise."""
        return json.dumps(
            {
                "bench": self.bench,
                "machine": dict(self.machine),
                "versions": dict(self.versions),
                "figures": [
                    {
                        "name": figure.name,
                        "value": float(f"{figure.value:.4g}"),
                        "unit": figure.unit,
                        "goal": figure.goal,
                        "met": figure.met,
                    }
                    for figure in self.figures
                ],
                "missing": [{"name": each.name, "reason": each.reason} for each in self.missing],
                "notes": list(self.notes),
            }
        )


def table(report: Report) -> Table:
    """The figures, then what is missing with its reason."""
    drawn = Table(title=report.bench, box=None, padding=(0, 2), header_style="bold", title_justify="left")
    drawn.add_column("figure")
    for column in ("value", "goal"):
        drawn.add_column(column, justify="right", no_wrap=True)
    drawn.add_column("")
    for figure in report.figures:
        sign = "<=" if figure.better == "less" else ">="
        goal = "" if figure.goal is None else f"{sign} {figure.goal:g} {figure.unit}"
        drawn.add_row(figure.name, f"{figure.value:.4g} {figure.unit}", goal, _verdict(figure))
    for each in report.missing:
        drawn.add_row(each.name, "missing", "", Text(each.reason, style="yellow"))
    return drawn


def _verdict(figure: Figure) -> Text:
    if figure.met is None:
        return Text()
    return Text("met", style="green") if figure.met else Text("NOT met", style="bold red")


def publish(report: Report, *, console: Console) -> None:
    """Print the table on the console, which is standard error's, and the JSON as the last line of standard output."""
    console.print(table(report))
    for note in report.notes:
        console.print(Text(note))
    for facts in (report.machine, report.versions):
        console.print(Text(", ".join(f"{name} {value}" for name, value in facts.items()), style="dim"))
    print(report.as_json(), file=sys.stdout, flush=True)
