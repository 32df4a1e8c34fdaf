"""The live view: queues, replicas, and the operator's decision in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .chart import Step, sampled, sparkline
from .observation import Consumers, Observation
from .story import Phase

SPARK_SECONDS = 60
SPARK_COLUMNS = 30


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Everything that one picture shows."""

    observation: Observation
    phase: Phase
    left_seconds: float
    """Of the phase; infinite in the last one."""
    wanted: dict[str, Sequence[Step]]
    """The replicas asked for, change by change."""
    now: float
    """On the clock of the steps."""
    page: str | None = None
    """Where the operator's live page is."""


def live(frame: Frame) -> RenderableType:
    """Draw the picture for a terminal."""
    table = Table(expand=True, box=None, padding=(0, 1))
    for title, justify in (
        ("QUEUE", "left"),
        ("READY", "right"),
        ("UNACKED", "right"),
        ("WANTED", "right"),
        ("RUNNING", "right"),
        (f"REPLICAS WANTED, LAST {SPARK_SECONDS} s", "left"),
    ):
        table.add_column(
            title, justify="right" if justify == "right" else "left", header_style="bold cyan", no_wrap=True
        )
    for consumers in frame.observation.consumers:
        table.add_row(
            Text(consumers.name, style="bold"),
            _count(consumers.ready),
            _count(consumers.unacked),
            Text(f"{consumers.wanted}/{consumers.maximum}", style="bold yellow" if consumers.wanted else ""),
            Text(str(consumers.running), style="bold green" if consumers.running else ""),
            Text(_spark(consumers, frame), style="green"),
        )
    decisions = Text()
    for consumers in frame.observation.consumers:
        decisions.append(f" {consumers.name}: ", style="bold")
        decisions.append(f"{consumers.decision or 'no decision yet'}\n")
    body = Group(table, Text(), decisions, Text(f" {_orders(frame.observation)}", style="dim"))
    where = Text(f"and why, in the browser: {frame.page}", style="cyan") if frame.page else None
    headline = Text(_headline(frame), style="bold")
    return Panel(body, title=headline, subtitle=where, border_style=_colour(frame.phase))


def plain(frame: Frame) -> str:
    """Say it in one line, for a log."""
    queues = " | ".join(
        f"{c.name}: {_plain_count(c.ready)} ready, {_plain_count(c.unacked)} unacked, "
        f"replicas {c.wanted} wanted, {c.running} running"
        for c in frame.observation.consumers
    )
    served = f"{frame.observation.receipts} and {frame.observation.invoices} of {frame.observation.confirmed} served"
    return f"{_headline(frame)} | {queues} | {served}"


def new_changes(frame: Frame, *, before: Observation) -> list[str]:
    """Say each change of replicas since before with its own sentence, for a log.

    The last decision is no such sentence: there may have been several changes since the last look, and that which
    changes nothing has one as well.
    """
    known = {(consumers.name, change) for consumers in before.consumers for change in consumers.changes}
    return [
        f"{consumers.name} {change.before} -> {change.after}: {change.message}"
        for consumers in frame.observation.consumers
        for change in consumers.changes
        if (consumers.name, change) not in known
    ]


def _headline(frame: Frame) -> str:
    left = f", {frame.left_seconds:.0f} s left" if frame.left_seconds != float("inf") else ""
    return f"{frame.phase.name}: {frame.phase.per_second:g} orders/s{left}"


def _orders(observation: Observation) -> str:
    return (
        f"{observation.confirmed} orders confirmed, "
        f"{observation.receipts} receipts sent, {observation.invoices} invoices written"
    )


def _colour(phase: Phase) -> str:
    return {"Calm": "green", "Black Friday": "red"}.get(phase.name, "blue")


def _spark(consumers: Consumers, frame: Frame) -> str:
    values = sampled(
        frame.wanted.get(consumers.name, ()),
        start=frame.now - SPARK_SECONDS,
        end=frame.now,
        columns=SPARK_COLUMNS,
    )
    return sparkline(values, top=consumers.maximum)


def _count(value: int | None) -> Text:
    return Text(_plain_count(value), style="" if value else "dim")


def _plain_count(value: int | None) -> str:
    return "?" if value is None else str(value)
