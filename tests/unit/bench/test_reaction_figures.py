"""The figures of `bench-react` follow from its trials, and those that cannot be had are named."""

from bench.operator_histogram import Histogram
from bench.reaction_figures import ACCEPTED, BARE, CONFIRM, RATIO, READY, WRITTEN, Measured, report
from bench.report import Report
from bench.stage import Reaction


def reaction(written: float, *, ready: float | None = 2.0) -> Reaction:
    return Reaction(confirmed=0.003, written=written, ready=ready)


def observed(count: int) -> Histogram:
    return Histogram(counts={0.01: count - 1, 0.1: count, float("inf"): count}, total=0.008 * count)


def reported(*, operator: list[Reaction], bare: list[Reaction], observations: int) -> Report:
    histogram = observed(observations)
    return report(Measured(operator=operator, bare=bare, histogram=histogram, machine={}, versions={}))


def values(of: Report) -> dict[str, float]:
    return {figure.name: figure.value for figure in of.figures}


OPERATOR = [reaction(written) for written in (0.1, 0.12, 0.7)]
BARE_LOOP = [reaction(0.08), reaction(0.1)]


def test_all_figures_of_a_whole_run() -> None:
    told = reported(operator=OPERATOR, bare=BARE_LOOP, observations=3)

    assert {
        f"{WRITTEN}, p50": 120,
        f"{WRITTEN}, p99": 700,
        f"{WRITTEN}, mean": 306.666667,
        f"{READY}, p50": 2000,
        f"{READY}, p99": 2000,
        f"{CONFIRM}, p50": 3,
        f"{BARE}, p50": 80,
        f"{BARE}, p99": 100,
        RATIO: 3.407407,
        f"{ACCEPTED}, mean": 8,
        f"{ACCEPTED}, p50 at most": 10,
        f"{ACCEPTED}, p99 at most": 100,
    } == {name: round(value, 6) for name, value in values(told).items()}
    assert [] == told.missing


def test_the_goals_are_200_and_600_milliseconds_until_the_write_and_none_otherwise() -> None:
    told = reported(operator=OPERATOR, bare=BARE_LOOP, observations=3)

    assert [(200, True), (600, False)] == [(f.goal, f.met) for f in told.figures if f.goal is not None]
    assert {f"{WRITTEN}, p50", f"{WRITTEN}, p99"} == {f.name for f in told.figures if f.goal is not None}


def test_a_pod_that_never_was_ready_leaves_the_figure_missing() -> None:
    told = reported(operator=[*OPERATOR, reaction(0.1, ready=None)], bare=BARE_LOOP, observations=4)

    assert [(READY, "in 1 of 4 trials no pod became Ready")] == [(m.name, m.reason) for m in told.missing]
    assert not any(name.startswith(READY) for name in values(told))


def test_a_histogram_that_observed_other_things_is_not_used() -> None:
    told = reported(operator=OPERATOR, bare=BARE_LOOP, observations=5)

    assert [ACCEPTED] == [each.name for each in told.missing]
    assert not any(name.startswith(ACCEPTED) for name in values(told))


def test_a_percentile_above_the_last_bound_is_missing_and_not_infinite() -> None:
    histogram = Histogram(counts={2.5: 2, float("inf"): 3}, total=5.0)

    told = report(Measured(operator=OPERATOR, bare=BARE_LOOP, histogram=histogram, machine={}, versions={}))

    assert [f"{ACCEPTED}, p99 at most"] == [each.name for each in told.missing]
    assert 2500 == values(told)[f"{ACCEPTED}, p50 at most"]
    assert "Infinity" not in told.as_json()


def test_without_the_bare_loop_there_is_no_ratio() -> None:
    told = reported(operator=OPERATOR, bare=[], observations=3)

    assert [RATIO] == [each.name for each in told.missing]
