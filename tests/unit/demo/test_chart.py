from examples.demo.chart import Step, axis, chart, sampled, sparkline

STEPS = [Step(at=0.0, value=0), Step(at=10.0, value=8), Step(at=10.5, value=2), Step(at=25.0, value=0)]


def test_a_column_shows_the_largest_value_that_stood_in_it() -> None:
    assert sampled(STEPS, start=0.0, end=30.0, columns=3) == [0, 8, 2]


def test_a_value_that_lasts_shows_in_every_column_until_it_changes() -> None:
    assert sampled([Step(at=-5.0, value=3)], start=0.0, end=4.0, columns=4) == [3, 3, 3, 3]


def test_before_anything_is_known_there_is_nothing() -> None:
    assert sampled([], start=0.0, end=4.0, columns=2) == [0, 0]
    assert sampled([Step(at=3.0, value=5)], start=0.0, end=4.0, columns=2) == [0, 5]


def test_no_columns_no_values() -> None:
    assert sampled(STEPS, start=0.0, end=30.0, columns=0) == []


def test_a_sparkline_shows_one_replica_and_hides_none() -> None:
    assert sparkline([0, 1, 4, 8], top=8) == " ▁▄█"
    assert sparkline([1, 50], top=50) == "▁█"


def test_a_sparkline_does_not_leave_its_scale() -> None:
    assert sparkline([9], top=8) == "█"


def test_a_chart_has_a_row_for_every_replica_and_an_axis() -> None:
    assert chart([0, 1, 3, 0], top=3, axis="calm") == [
        "   3 │  █",
        "   2 │  █",
        "   1 │ ██",
        "   0 └────",
        "      calm",
    ]


def test_a_chart_of_many_replicas_has_eight_rows_and_never_hides_the_first() -> None:
    lines = chart([1, 40], top=40, axis="")

    assert lines[:8] == [
        "  40 │ █", "  35 │ █", "  30 │ █", "  25 │ █", "  20 │ █", "  15 │ █", "  10 │ █", "   5 │██",
    ]  # fmt: skip


def test_labels_stand_where_their_moment_is() -> None:
    assert axis([(20.0, "quiet"), (0.0, "calm")], start=0.0, end=40.0, columns=20) == "calm      quiet"


def test_a_label_that_runs_into_the_next_is_cut() -> None:
    assert axis([(0.0, "Black Friday"), (10.0, "Quiet")], start=0.0, end=40.0, columns=20) == "Blac Quiet"
