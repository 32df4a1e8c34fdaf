"""The summary as text: a table, the replicas over time, and the verdict."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .chart import Step, axis, chart, sampled
from .story import Phase, beginnings
from .summary import Summary

CHART_COLUMNS = 72


def rendered(
    summary: Summary,
    *,
    wanted: Mapping[str, Sequence[Step]],
    phases: Sequence[Phase],
    started_at: float,
    ended_at: float,
) -> RenderableType:
    """Everything that there is to say at the end."""
    parts: list[RenderableType] = [_figures(summary)]
    labels = axis(
        [(started_at + begin, phase.name) for begin, phase in beginnings(phases)],
        start=started_at,
        end=ended_at,
        columns=CHART_COLUMNS,
    )
    for scaling in summary.scaling:
        values = sampled(wanted[scaling.what], start=started_at, end=ended_at, columns=CHART_COLUMNS)
        lines = chart(values, top=scaling.most_wanted, axis=labels)
        title = f"Replicas of {scaling.what} asked for, over {ended_at - started_at:.0f} s"
        parts += [Text(), Text(title, style="bold"), Text("\n".join(lines))]
    problems = summary.problems()
    parts.append(Text())
    if problems:
        parts.append(Text("\n".join(f"NOT GOOD: {problem}" for problem in problems), style="bold red"))
    else:
        parts.append(Text("Nothing lost, nothing done twice, from zero to many and back to zero.", style="bold green"))
    return Group(*parts)


def _figures(summary: Summary) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_row("orders placed", f"{summary.placed} ({len(summary.confirmed)} confirmed by the broker)")
    for effects in summary.effects:
        table.add_row(f"{effects.what} made", str(len(effects.order_ids)))
    table.add_row("lost", ", ".join(f"{len(summary.lost(effects))} {effects.what}" for effects in summary.effects))
    table.add_row("duplicated", ", ".join(f"{effects.repeated} {effects.what}" for effects in summary.effects))
    for effects in summary.effects:
        table.add_row(f"longest wait, {effects.what}", _seconds(effects.longest_wait_seconds))
    for scaling in summary.scaling:
        table.add_row(
            f"replicas of {scaling.what}",
            f"0 -> {scaling.most_wanted} -> {scaling.wanted_at_the_end}, "
            f"the first asked for {_seconds(scaling.first_asked_after_seconds)} after the first order",
        )
    return table


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"
