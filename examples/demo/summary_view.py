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
    placed = f"{summary.placed} orders placed, {len(summary.confirmed)} confirmed by the broker"
    parts: list[RenderableType] = [Text(placed, style="bold"), _figures(summary)]
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
    table = Table(box=None, padding=(0, 2), header_style="bold")
    table.add_column("", style="bold", no_wrap=True)
    for effects in summary.effects:
        table.add_column(effects.what, justify="right", no_wrap=True)
    rows: list[tuple[str, list[str]]] = [
        ("made", [str(len(effects.order_ids)) for effects in summary.effects]),
        ("lost", [str(len(summary.lost(effects))) for effects in summary.effects]),
        ("duplicated", [str(effects.repeated) for effects in summary.effects]),
        ("longest wait of a message", [_seconds(effects.longest_wait_seconds) for effects in summary.effects]),
        ("replicas", [f"0 -> {each.most_wanted} -> {each.wanted_at_the_end}" for each in summary.scaling]),
        (
            "first message -> first replica asked for",
            [_seconds(each.first_asked_after_seconds) for each in summary.scaling],
        ),
    ]
    for title, cells in rows:
        table.add_row(title, *cells)
    return table


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"
