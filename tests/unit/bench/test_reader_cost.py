"""Costs are medians of windows, and those per read leave out what the broker takes when idle."""

from bench.reader_cost import Cost, Window


def window(*, broker: float = 0.5, reader: float = 0.25, seconds: float = 5.0, requests: int = 2) -> Window:
    return Window(seconds=seconds, broker=broker, reader=reader, reads=5000 * seconds, requests=requests)


def test_cpu_is_percent_of_a_core_in_the_median_window() -> None:
    taken = Cost(windows=[window(), window(broker=4.0, reader=3.0), window(broker=0.4, reader=0.2)], idle=1.0)

    assert (10.0, 5.0) == (taken.broker, taken.reader)


def test_rates_are_over_all_windows() -> None:
    taken = Cost(windows=[window(seconds=4.0, requests=1), window(seconds=6.0, requests=3)], idle=1.0)

    assert (5000.0, 24.0) == (taken.reads_per_second, taken.requests_per_minute)


def test_a_read_costs_what_the_broker_takes_beyond_being_idle() -> None:
    taken = Cost(windows=[window()], idle=1.0)

    assert (18.0, 10.0) == (round(taken.broker_per_read, 9), round(taken.reader_per_read, 9))


def test_a_read_costs_nothing_rather_than_less() -> None:
    assert Cost(windows=[window()], idle=20.0).broker_per_read == 0
