"""Scale events on the dashboards: marks in the graphs with their reason, and bars that count each of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from examples.demo.prometheus_server import Prometheus
from tests.dashboards import grafana, recorded_run
from tests.dashboards.conftest import Recorded
from tests.dashboards.recorded_load import Event
from tests.dashboards.recorded_pod import SCRAPE

BOARDS = grafana.dashboards()
MARKS = [each for each in BOARDS["detail"]["annotations"]["list"] if each["name"].startswith("Scaled")]
END = recorded_run.START + recorded_run.LONG - SCRAPE
SERIES = "queueconsumer_last_scale_timestamp_seconds"

Marks = dict[tuple[str, str, str], list[grafana.Mark]]
"""By QueueConsumer, direction and reason."""


@pytest.mark.parametrize("joined", ["by the step of the annotation", "by the step of the query"])
@pytest.mark.parametrize("hours", [1, 3, 6])
def test_at_least_99_of_100_scale_events_are_marked_also_over_a_change_of_leader(
    hours: int, joined: str, prometheus: Prometheus, recorded: Recorded
) -> None:
    # Half of the time is before the change, half of it after.
    begin = recorded_run.CHANGE - hours * 3600 // 2
    end = min(begin + hours * 3600, END)
    found = _scale_marks(prometheus, MARKS, begin=begin, end=end, by_query=joined == "by the step of the query")
    # The last scrape interval's events have not been scraped yet.
    events = [event for event in recorded[1] if begin <= event.at < end - 2 * SCRAPE]
    unseen = [event for event in events if recorded_run.LAST_SCRAPE < event.at < recorded_run.CHANGE]

    assert len(events) > 20 * hours
    assert _share(events, found) >= 0.99
    # Two of a kind between two scrapes are one mark; all others stand where they were, to the second.
    assert _share(events, found, late=0) > 0.9
    assert _false(found, recorded[1]) == []
    # What the first leader did after its last scrape, the second one tells from the status.
    assert len(unseen) == 2
    assert _share(unseen, found, late=0) == 1.0


@pytest.mark.parametrize(
    "mistake", ["seconds", "the sample's time", "the other direction", "not from the status", "rare"]
)
def test_marks_that_are_wrong_are_noticed(mistake: str, prometheus: Prometheus, recorded: Recorded) -> None:
    begin, end = recorded_run.CHANGE - 900, recorded_run.CHANGE + 900
    events = [event for event in recorded[1] if begin <= event.at < end - 2 * SCRAPE]
    wrong = [_mistaken(annotation, mistake) for annotation in MARKS]
    found = _scale_marks(prometheus, wrong, begin=begin, end=end)

    assert _share(events, found) < 0.99 or _false(found, recorded[1])


def test_a_mark_says_why_and_stands_where_the_event_was(prometheus: Prometheus, recorded: Recorded) -> None:
    event = next(event for event in recorded[1] if event.at > recorded_run.CHANGE + 3600 and event.reason == "WokeUp")
    found = _scale_marks(prometheus, MARKS, begin=event.at - 3600, end=event.at + 3600)[event.name, "up", "WokeUp"]
    (mark,) = [mark for mark in found if mark.time == event.at]

    assert mark.title == f"▲ shop/{event.name} up: WokeUp"
    assert mark.text.startswith("Why: WokeUp.")
    assert mark.tags == ("up", "WokeUp")


def test_to_and_from_zero_have_a_colour_of_their_own(prometheus: Prometheus, recorded: Recorded) -> None:
    begin, end = END - 3600, END
    colours = {}
    for annotation in MARKS:
        for _, _, reason in _scale_marks(prometheus, [annotation], begin=begin, end=end):
            colours[reason] = annotation["iconColor"]

    assert {event.reason for event in recorded[1]} == set(colours)
    assert [colours[reason] for reason in ("BacklogAboveTarget", "BacklogBelowTarget")] == ["green", "blue"]
    assert [colours[reason] for reason in ("WokeUp", "Idle")] == ["purple", "purple"]


@pytest.mark.parametrize("hours", [1, 6])
def test_the_bars_count_each_event_once_over_a_change_of_leader(
    hours: int, prometheus: Prometheus, recorded: Recorded
) -> None:
    (panel,) = [panel for panel in grafana.panels(BOARDS["fleet"]) if panel["title"].startswith("Scale events by")]
    step = grafana.step_of(hours * 3600, least=panel["interval"])
    # Bars stand at multiples of the step, each for the step before it.
    begin = (recorded_run.CHANGE - hours * 3600 // 2) // step * step
    end = begin + hours * 3600 // step * step
    expr = grafana.interpolated(panel["targets"][0]["expr"], step=step, seconds=hours * 3600, chosen=grafana.EVERYTHING)

    counted: dict[tuple[str, str], float] = {}
    for series in prometheus.range(expr, start=begin + step, end=end, step=step):
        kind = series["metric"]["direction"], series["metric"]["reason"]
        counted[kind] = sum(float(value) for _, value in series["values"])

    # A scrape at the end of a bar has what came up to it; what the old leader did after its last scrape nobody has.
    happened: dict[tuple[str, str], float] = {}
    for event in recorded[1]:
        if begin < event.at <= end and not recorded_run.LAST_SCRAPE < event.at < recorded_run.CHANGE:
            happened[event.direction, event.reason] = happened.get((event.direction, event.reason), 0) + 1
    assert counted == happened


def _mistaken(annotation: dict[str, Any], mistake: str) -> dict[str, Any]:
    """A mark with something wrong."""
    expr = annotation["expr"]
    series = expr[expr.index(SERIES) : expr.index("}") + 1]
    match mistake:
        case "seconds":
            return {**annotation, "expr": expr.replace(" * 1000", "")}
        case "the sample's time":
            return {**annotation, "useValueForTime": False}
        case "the other direction":
            return {**annotation, "expr": expr.replace('direction="up"', 'direction="down"')}
        case "rare":
            return {**annotation, "step": "5m"}
    # A second leader that tells of its own changes only.
    first, second = (series.replace("{", f'{{instance="{instance}", ') for instance in recorded_run.LEADERS)
    return {**annotation, "expr": expr.replace(series, f"({first} or {second} > {recorded_run.CHANGE})")}


def _scale_marks(
    prometheus: Prometheus, annotations: list[dict[str, Any]], *, begin: int, end: int, by_query: bool = False
) -> Marks:
    """The marks of some annotations, joined to regions as older releases of Grafana do, or newer ones (`by_query`)."""
    found: Marks = {}
    for annotation in annotations:
        step = grafana.step_of(end - begin, least=annotation["step"])
        expr = grafana.interpolated(annotation["expr"], step=step, seconds=end - begin, chosen=grafana.EVERYTHING)
        for series in prometheus.range(expr, start=begin, end=end, step=step):
            labels = series["metric"]
            kind = labels["queueconsumer"], labels["direction"], labels["reason"]
            found[kind] = list(grafana.marks(annotation, [series], joined=step if by_query else None))
    return found


def _share(events: list[Event], found: Marks, *, late: int = SCRAPE) -> float:
    """Which share of events has a mark of its kind at its time, or up to `late` seconds after it.

    30 s are one and a half of the 1,000 points of a graph of six hours.
    """
    marked = [
        event
        for event in events
        if any(
            mark.time - late <= event.at <= mark.end
            for mark in found.get((event.name, event.direction, event.reason), ())
        )
    ]
    return len(marked) / len(events)


def _false(found: Marks, events: list[Event]) -> list[float]:
    """The times at which a mark begins or ends though nothing of its kind happened."""

    def times() -> Iterator[float]:
        for kind, marks in found.items():
            known = {float(event.at) for event in events if (event.name, event.direction, event.reason) == kind}
            for mark in marks:
                yield from {mark.time, mark.end} - known

    return list(times())
