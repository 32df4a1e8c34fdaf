"""Replicas over time, drawn with characters: a sparkline for the live view, a small chart for the summary."""

from collections.abc import Sequence
from dataclasses import dataclass

BARS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True, kw_only=True)
class Step:
    """From this moment on, this value."""

    at: float
    """Seconds, on any clock."""
    value: int


def sampled(steps: Sequence[Step], *, start: float, end: float, columns: int) -> list[int]:
    """Cut the time between start and end into columns; each shows the largest value that stood in it.

    The largest and not the last: eight replicas for half a second did run, and must show.
    """
    if columns < 1:
        return []
    width = max(end - start, 1e-9) / columns
    values = []
    for column in range(columns):
        left, right = start + column * width, start + (column + 1) * width
        before = [step.value for step in steps if step.at <= left]
        within = [step.value for step in steps if left < step.at < right]
        values.append(max([*before[-1:], *within], default=0))
    return values


def sparkline(values: Sequence[int], *, top: int) -> str:
    """One character per value. Zero is blank and one is never: a single replica must show."""
    last = len(BARS) - 1
    return "".join(BARS[0 if value <= 0 else min(last, max(1, -(-value * last // max(top, 1))))] for value in values)


def chart(values: Sequence[int], *, top: int, axis: str) -> list[str]:
    """Draw bars with one row per replica (at most 8 rows), highest first, and the axis with its labels below."""
    rows = min(max(top, 1), 8)
    lines = []
    for row in range(rows, 0, -1):
        # The row is filled where the value reaches it, and the lowest from the first replica on.
        threshold = -(-row * max(top, 1) // rows)
        bars = "".join("█" if value >= threshold or (row == 1 and value > 0) else " " for value in values)
        lines.append(f"{threshold:>4} │{bars}".rstrip())
    return [*lines, "   0 └" + "─" * len(values), f"      {axis}".rstrip()]


def axis(labels: Sequence[tuple[float, str]], *, start: float, end: float, columns: int) -> str:
    """Write each label where its moment is on the time axis; one that would run into the next is cut."""
    line = ""
    for at, label in sorted(labels):
        column = int((at - start) / max(end - start, 1e-9) * columns)
        line = line[: max(column - 1, 0)].ljust(column) + label
    return line
