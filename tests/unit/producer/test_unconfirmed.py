import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qc_producer import ConfigurationError, Producer, ProducerError
from qc_producer.message import Message
from qc_producer.unconfirmed import Pending, Unconfirmed
from tests.rabbitmq_node import until


def pending(size: int = 1, *, seconds: float = 10) -> Pending:
    return Pending(Message("m", "", "q", b"", bytes(size)), time.monotonic() + seconds)


def test_the_window_is_bounded_by_count_and_bytes() -> None:
    window = Unconfirmed(max_messages=3, max_bytes=100)
    assert window.admit(pending(60), wait=False)
    assert not window.admit(pending(60), wait=False)
    assert window.admit(pending(40), wait=False)
    assert not window.admit(pending(1), wait=False)


def test_waiting_for_room_ends_with_the_deadline() -> None:
    window = Unconfirmed(max_messages=1, max_bytes=100)
    window.admit(pending(), wait=False)
    started = time.monotonic()
    assert not window.admit(pending(seconds=0.1), wait=True)
    assert 0.09 < time.monotonic() - started < 2


def test_room_wakes_who_waits_and_closing_sends_them_away() -> None:
    window = Unconfirmed(max_messages=1, max_bytes=100)
    first = pending()
    window.admit(first, wait=False)
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(window.admit(pending(), wait=True))) for _ in range(2)]
    for thread in threads:
        thread.start()
    window.settle([first])
    until(lambda: results == [True], what="one is let in")
    window.close()
    until(lambda: results == [True, False], what="the other is sent away")


def test_a_message_is_settled_once() -> None:
    window = Unconfirmed(max_messages=1, max_bytes=100)
    one = pending()
    window.admit(one, wait=False)
    window.settle([one])
    window.settle([one], ProducerError("too late"))
    assert one.future.result(0) == "m"
    assert len(window) == 0


def test_what_is_late_is_found_and_the_next_deadline_known() -> None:
    window = Unconfirmed(max_messages=10, max_bytes=100)
    early, late = pending(seconds=-1), pending(seconds=5)
    window.admit(early, wait=False)
    window.admit(late, wait=False)
    assert window.earliest == early.deadline
    assert window.expired(time.monotonic()) == [early]
    assert window.earliest == late.deadline


@given(sizes=st.lists(st.integers(1, 50), max_size=40), limit=st.integers(1, 8), max_bytes=st.integers(1, 120))
def test_the_bounds_hold_whatever_comes(sizes: list[int], limit: int, max_bytes: int) -> None:
    window = Unconfirmed(max_messages=limit, max_bytes=max_bytes)
    inside: list[Pending] = []
    for size in sizes:
        one = pending(size)
        if window.admit(one, wait=False):
            inside.append(one)
        elif inside:
            window.settle([inside.pop(0)])
        held = sum(entry.message.size for entry in inside)
        assert len(window) == len(inside) <= limit
        assert held <= max_bytes or len(inside) == 1
    window.settle(inside)
    assert len(window) == 0


@pytest.mark.parametrize(
    "options", [{"max_unconfirmed": 0}, {"timeout": 0}, {"on_full": "ignore"}, {"max_message_bytes": 0}]
)
def test_a_producer_refuses_settings_that_make_no_sense(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        Producer(**options)  # type: ignore[arg-type]


def test_a_wrong_url_shows_at_once() -> None:
    with pytest.raises(ConfigurationError, match="must start with amqp"):
        Producer("http://guest:secret@host")
