"""What happens when: a calm phase, Black Friday at ten times the rate, then quiet."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of time with one rate of orders."""

    name: str
    per_second: float
    """Orders per second."""
    seconds: float


def story(*, per_second: float, calm_seconds: float, black_friday_seconds: float) -> tuple[Phase, ...]:
    """Tell the phases in which orders come in; quiet follows, for as long as it takes."""
    return (
        Phase(name="Calm", per_second=per_second, seconds=calm_seconds),
        Phase(name="Black Friday", per_second=10 * per_second, seconds=black_friday_seconds),
    )


QUIET = Phase(name="Quiet", per_second=0, seconds=float("inf"))


def phase_at(phases: Sequence[Phase], *, elapsed: float) -> tuple[Phase, float]:
    """Find the phase this many seconds after the start, and the seconds left of it; after the last: quiet."""
    for begin, phase in beginnings(phases):
        if elapsed < begin + phase.seconds:
            return phase, begin + phase.seconds - elapsed
    return QUIET, QUIET.seconds


def beginnings(phases: Sequence[Phase]) -> list[tuple[float, Phase]]:
    """When each phase begins, in seconds after the start; the last is quiet."""
    begun = 0.0
    found = []
    for phase in (*phases, QUIET):
        found.append((begun, phase))
        begun += phase.seconds
    return found
