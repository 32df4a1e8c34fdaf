"""Lines of metrics: written when a number changes, right in both formats, and gone with their object."""

from __future__ import annotations

import subprocess
from math import inf, nan

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families as plain

from qc_operator.metric_families import FAMILIES, Family
from qc_operator.object_series import SLICE, ObjectSeries, Series, escaped, number
from qc_operator.registry import Key
from tests.openmetrics_text import openmetrics

GAUGE = Family(index=0, name="queueconsumer_ready", type="gauge", help="Ready.")
EVENTS = Family(index=1, name="queueconsumer_events_total", type="counter", help="Events.", labels=("way", "reason"))
KEY, OTHER = Key("shop", "receipts"), Key("shop", "invoices")
Sample = tuple[str, tuple[str, ...], float]


@pytest.fixture
def series() -> ObjectSeries:
    return ObjectSeries([GAUGE, EVENTS])


def text(series: ObjectSeries, *, om: bool = False, names: frozenset[str] = frozenset()) -> str:
    return b"".join(series.pieces(openmetrics=om, names=names)).decode() + ("# EOF\n" if om else "")


def samples(series: ObjectSeries, *, om: bool = False) -> list[Sample]:
    parsed = openmetrics(text(series, om=True)) if om else plain(text(series))
    return [
        (sample.name, tuple(sample.labels.values()), sample.value) for family in parsed for sample in family.samples
    ]


def test_the_text_is_what_prometheus_reads(series: ObjectSeries) -> None:
    series.of(KEY).set(GAUGE, 3)
    series.of(OTHER).set(GAUGE, 0.125)

    assert text(series) == (
        "# HELP queueconsumer_ready Ready.\n"
        "# TYPE queueconsumer_ready gauge\n"
        'queueconsumer_ready{namespace="shop",queueconsumer="receipts"} 3\n'
        'queueconsumer_ready{namespace="shop",queueconsumer="invoices"} 0.125\n'
        "# HELP queueconsumer_events_total Events.\n"
        "# TYPE queueconsumer_events_total counter\n"
    )


def test_in_openmetrics_a_counters_family_has_no_suffix_and_an_exemplar_says_more(series: ObjectSeries) -> None:
    rows: dict[tuple[str, ...], float] = {("up", "Idle"): 1.0, ("down", "Idle"): 0.0}
    series.of(KEY).set_rows(EVENTS, rows, exemplars={("up", "Idle"): '{from="3",to="8"} 1 1764201600.125'})
    series.of(OTHER).set_rows(EVENTS, {("up", "Idle"): 2.0})

    found = {family.name: family for family in openmetrics(text(series, om=True))}["queueconsumer_events"]

    assert found.type == "counter"
    assert [
        ("receipts", "up", 1.0, {"from": "3", "to": "8"}),
        ("receipts", "down", 0.0, None),
        ("invoices", "up", 2.0, None),
    ] == [
        (
            sample.labels["queueconsumer"],
            sample.labels["way"],
            sample.value,
            sample.exemplar.labels if sample.exemplar else None,
        )
        for sample in found.samples
    ]
    assert "from=" not in text(series)


@pytest.mark.parametrize("om", [False, True], ids=["text", "openmetrics"])
def test_a_label_comes_back_as_it_was(series: ObjectSeries, *, om: bool) -> None:
    nasty = 'a "quoted" back\\slash,\nnewline {brace} = \u00fc'
    series.of(KEY).set_rows(EVENTS, {("up", nasty): 1.0})

    assert [("queueconsumer_events_total", ("shop", "receipts", "up", nasty), 1.0)] == samples(series, om=om)


def test_a_name_that_utf8_cannot_write_spoils_nothing(series: ObjectSeries) -> None:
    series.of(KEY).set_rows(EVENTS, {("up", "half \ud83d"): 1.0})

    assert [("queueconsumer_events_total", ("shop", "receipts", "up", "half ?"), 1.0)] == samples(series)


def test_what_is_not_known_has_no_series(series: ObjectSeries) -> None:
    one = series.of(KEY)
    one.set(GAUGE, 3)
    one.set_rows(EVENTS, {("up", "Idle"): 1.0})
    assert len(samples(series)) == 2

    one.set(GAUGE, None)
    one.set_rows(EVENTS, {})

    assert [] == samples(series) == samples(series, om=True)


def test_a_row_that_is_no_more_goes_and_the_others_stay(series: ObjectSeries) -> None:
    series.of(KEY).set_rows(EVENTS, {("up", "Idle"): 1.0, ("up", "WokeUp"): 2.0})
    assert len(samples(series)) == 2
    series.of(KEY).set_rows(EVENTS, {("up", "WokeUp"): 2.0})

    assert [("queueconsumer_events_total", ("shop", "receipts", "up", "WokeUp"), 2.0)] == samples(series)


def test_a_line_is_written_again_only_when_its_number_changes(
    series: ObjectSeries, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Family] = []
    lines = Series.lines

    def noted(self: Series, family: Family) -> tuple[bytes, bytes | None]:
        written.append(family)
        return lines(self, family)

    monkeypatch.setattr(Series, "lines", noted)
    one = series.of(KEY)
    for value in (3, 3, 4, 4):
        one.set(GAUGE, value)
        one.set_rows(EVENTS, {("up", "Idle"): 1.0})
        text(series)

    assert [GAUGE, EVENTS, GAUGE] == written


def test_who_changes_a_mapping_afterwards_changes_nothing_that_was_shown(series: ObjectSeries) -> None:
    rows: dict[tuple[str, ...], float] = {("up", "Idle"): 1.0}
    series.of(KEY).set_rows(EVENTS, rows)
    rows["up", "Idle"] = 2.0

    assert [("queueconsumer_events_total", ("shop", "receipts", "up", "Idle"), 1.0)] == samples(series)
    series.of(KEY).set_rows(EVENTS, rows)
    assert samples(series)[0][2] == 2.0


def test_all_series_of_an_object_go_with_it_and_no_other(series: ObjectSeries) -> None:
    for key in (KEY, OTHER):
        series.of(key).set(GAUGE, 3)
        series.of(key).set_rows(EVENTS, {("up", "Idle"): 1.0}, exemplars={("up", "Idle"): '{from="3",to="8"} 1'})
    text(series, om=True)
    series.of(KEY).set(GAUGE, 4)

    gone = series.of(KEY)
    gone.close()
    gone.set(GAUGE, 5)

    assert {("shop", "invoices")} == {labels[:2] for _, labels, _ in samples(series, om=True)}
    assert len(series) == 1
    series.of(KEY)
    assert "receipts" not in text(series, om=True)


def test_taking_an_object_away_looks_at_no_other(series: ObjectSeries) -> None:
    class Counted(dict[Key, bytes]):
        looks = 0

        def __iter__(self):  # type: ignore[no-untyped-def] # noqa: ANN204
            Counted.looks += 1
            return super().__iter__()

    series._lines = [Counted() for _ in series._lines]
    for key in (KEY, OTHER):
        series.of(key).set(GAUGE, 3)
    text(series)
    Counted.looks = 0

    series.forget(KEY)

    assert (0, [{OTHER}, set()]) == (Counted.looks, [set(lines.keys()) for lines in series._lines])


def test_many_objects_come_in_pieces_between_which_others_may_come_and_go(series: ObjectSeries) -> None:
    for each in range(2 * SLICE + 1):
        series.of(Key("shop", f"receipts-{each}")).set(GAUGE, each)
    found = []
    for place, piece in enumerate(series.pieces(openmetrics=False)):
        assert piece.count(b"\n") <= SLICE
        found.append(piece)
        series.forget(Key("shop", f"receipts-{place}"))
        series.of(Key("shop", f"late-{place}")).set(GAUGE, 1)

    values = [int(line.rpartition(" ")[2]) for line in b"".join(found).decode().splitlines() if "receipts-" in line]
    assert values == sorted(set(values))
    assert len(values) >= 2 * SLICE - 5


def test_only_the_names_that_are_asked_for_are_sent(series: ObjectSeries) -> None:
    series.of(KEY).set(GAUGE, 3)
    series.of(KEY).set_rows(EVENTS, {("up", "Idle"): 1.0})

    assert "queueconsumer_ready" not in text(series, names=frozenset({"queueconsumer_events_total"}))
    assert "queueconsumer_events_total{" in text(series, names=frozenset({"queueconsumer_events_total"}))
    assert text(series, names=frozenset({"up"})) == ""


def test_a_registry_shows_the_same(series: ObjectSeries) -> None:
    series.of(KEY).set(GAUGE, 3)
    series.of(KEY).set_rows(EVENTS, {("up", "Idle"): 1.0})
    registry = CollectorRegistry()
    registry.register(series)

    collected = [
        (sample.name, tuple(sample.labels.values()), sample.value)
        for family in registry.collect()
        for sample in family.samples
    ]
    assert samples(series) == collected


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.0, "0"),
        (7, "7"),
        (2.5, "2.5"),
        (1_764_201_600.125, "1764201600.125"),
        (12_345_678_901_234_567, "12345678901234567"),
        (1 / 3, "0.3333333333333"),
        (4e-7, "4e-07"),
    ],
)
def test_numbers_are_short_and_exact_to_milliseconds_of_a_time(value: float, shown: str) -> None:
    assert shown == number(value)
    assert pytest.approx(value, rel=1e-12) == float(shown)


@pytest.mark.parametrize(("value", "shown"), [(inf, "+Inf"), (-inf, "-Inf"), (nan, "NaN")])
def test_a_number_without_an_end_does_not_end_the_scrape(value: float, shown: str) -> None:
    assert shown == number(value)


def test_only_what_the_formats_name_is_escaped() -> None:
    assert r"a\\b\"c\nd{}=," == escaped('a\\b"c\nd{}=,')


def test_names_labels_and_help_are_as_promtool_wants_them() -> None:
    series = ObjectSeries(FAMILIES)
    one = series.of(KEY)
    for family in FAMILIES:
        if family.labels:
            one.set_rows(family, {tuple("x" for _ in family.labels): 1.0})
        else:
            one.set(family, 1)

    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text(series), text=True, check=False, capture_output=True
    )

    assert (0, "") == (done.returncode, done.stdout + done.stderr)


def test_help_needs_no_escaping_and_each_family_has_its_place() -> None:
    assert list(range(len(FAMILIES))) == [family.index for family in FAMILIES]
    for family in FAMILIES:
        assert not set('\\"\n') & set(family.help)
        assert family.help.endswith(".")
        assert (family.type == "counter") == family.name.endswith("_total")
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
