"""The alerts of a run as text: what fired, what was pending, or plainly that nothing was."""

from rich.console import Group, RenderableType
from rich.text import Text

from .alert_history import Alerted, AlertHistory

COLOURS = {"critical": "bold red", "warning": "bold yellow"}
RUNBOOKS = "docs/runbooks"


def alerts_shown(history: AlertHistory, *, page: str | None) -> RenderableType:
    """Tell each alert with its summary, and where to read more: on a page of Prometheus, if that stays."""
    alerted = history.alerted()
    title = f"Alerts, of {len(history.fires_after)} in Prometheus" + (f": {page}" if page else "")
    parts: list[RenderableType] = [Text(title, style="bold")]
    fired = [each for each in alerted if each.fired]
    pending = [each for each in alerted if not each.fired]
    if fired:
        parts.append(Text(f"{_alerts(len(fired))} fired:", style="bold red"))
    elif pending:
        parts.append(Text(f"None fired. {_alerts(len(pending))} {'were' if len(pending) > 1 else 'was'} pending:"))
    else:
        parts.append(Text("None fired, and none was pending.", style="bold green"))
    parts += [_one(each) for each in fired]
    if fired and pending:
        parts.append(Text("Pending only:"))
    parts += [_one(each) for each in pending]
    return Group(*parts)


def _one(alert: Alerted) -> RenderableType:
    line = Text("  ")
    line.append(alert.name, style=COLOURS.get(alert.severity, "bold"))
    line.append(f" ({alert.severity}) ")
    if alert.fired:
        line.append(f"was active for {_time(alert.seconds)}; what to do: {RUNBOOKS}/{alert.name}.md")
    else:
        line.append(f"was pending for {_time(alert.seconds)}, and fires after {_time(alert.fires_after)}")
    return Group(line, Text(f"      {alert.summary}", style="dim"))


def _alerts(count: int) -> str:
    return f"{count} alert{'s' if count > 1 else ''}"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - up to two minutes in seconds
