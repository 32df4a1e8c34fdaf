import pytest

from examples.demo.story import QUIET, phase_at, story

PHASES = story(per_second=5, calm_seconds=20, black_friday_seconds=40)


def test_black_friday_has_ten_times_the_orders() -> None:
    assert [(phase.name, phase.per_second) for phase in PHASES] == [("Calm", 5), ("Black Friday", 50)]


@pytest.mark.parametrize(
    ("elapsed", "name", "left"),
    [
        (0.0, "Calm", 20.0),
        (19.0, "Calm", 1.0),
        (20.0, "Black Friday", 40.0),
        (59.5, "Black Friday", 0.5),
        (60.0, "Quiet", float("inf")),
        (1e6, "Quiet", float("inf")),
    ],
)
def test_phases_follow_each_other(elapsed: float, name: str, left: float) -> None:
    phase, seconds = phase_at(PHASES, elapsed=elapsed)

    assert (phase.name, seconds) == (name, left)


def test_without_phases_it_is_quiet_at_once() -> None:
    assert phase_at((), elapsed=0.0)[0] is QUIET
