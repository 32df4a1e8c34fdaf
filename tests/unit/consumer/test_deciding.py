import pika
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qc_consumer import Backoff, ConfigurationError, Delivery, Reject, Retry, Undecodable
from qc_consumer.body import decode_body
from qc_consumer.dead_letter import dead_message, retry_message
from qc_consumer.outcome import Outcome, judge
from qc_consumer.recently_done import RecentlyDone
from qc_consumer.retry import in_words, milliseconds, rung_queue


@pytest.mark.parametrize(
    ("text", "value"), [("200ms", 200), ("5s", 5000), ("5", 5000), (1.5, 1500), ("2m", 120_000), ("1h", 3_600_000)]
)
def test_durations_are_read(text: str | float, value: int) -> None:
    assert milliseconds(text) == value


@pytest.mark.parametrize("text", ["", "s", "5 s", "-1s", "5w", "0", 0, "60d"])
def test_durations_that_make_no_sense_are_refused(text: str | float) -> None:
    with pytest.raises(ConfigurationError):
        milliseconds(text)


@given(st.integers(1, 2**32 - 1))
def test_words_and_milliseconds_agree(value: int) -> None:
    assert milliseconds(in_words(value)) == value


def test_the_default_rungs_are_five() -> None:
    assert [in_words(rung) for rung in Backoff().rungs] == ["5s", "30s", "2m", "10m", "1h"]
    assert rung_queue("orders", 120_000) == "orders.retry.2m"


def test_delays_climb_and_end() -> None:
    delays = [Backoff().delay(attempt) for attempt in range(1, 9)]
    assert delays == [5000, 30_000, 120_000, 600_000, 3_600_000, 3_600_000, 3_600_000, None]


@pytest.mark.parametrize(
    ("after", "delay"), [(0, 1000), (0.5, 1000), (5, 5000), (5.1, 30_000), (7200, 21_600_000), (10**9, 86_400_000)]
)
def test_a_wish_is_rounded_up_to_a_rung(after: float, delay: int) -> None:
    assert Backoff().delay(1, after) == delay


@pytest.mark.parametrize(
    ("error", "attempt", "expected"),
    [
        (None, 1, Outcome(kind="acked")),
        (ValueError(), 1, ("retried", "", 5000)),
        (ValueError(), 8, ("dead_lettered", "attempts_exhausted", None)),
        (Retry(after=20), 1, ("retried", "", 30_000)),
        (Retry(), 8, ("dead_lettered", "attempts_exhausted", None)),
        (Reject("no"), 1, ("dead_lettered", "rejected", None)),
        (Undecodable("no"), 1, ("dead_lettered", "undecodable", None)),
        (SystemExit(1), 1, ("retried", "", 5000)),
    ],
)
def test_what_follows_from_what_a_handler_raises(error: BaseException | None, attempt: int, expected: object) -> None:
    outcome = judge(error, attempt=attempt, backoff=Backoff())
    if isinstance(expected, Outcome):
        assert outcome == expected
        assert outcome.acked
    else:
        assert (outcome.kind, outcome.reason, outcome.delay) == expected
        assert outcome.error is error


def test_without_a_backoff_nothing_is_tried_again() -> None:
    assert judge(Retry(after=1), attempt=1, backoff=None).dead_lettered


def delivery(raw: bytes = b"1", *, redelivered: bool = False, **properties: object) -> Delivery:
    return Delivery(queue="orders", raw=raw, properties=pika.BasicProperties(**properties), redelivered=redelivered)


def test_a_retry_carries_the_message_and_counts() -> None:
    headers = {"a": 1, "x-attempt": 2, "x-first-seen": 5, "x-death": [{}], "x-first-death-queue": "x", "CC": ["y"]}
    sent = retry_message(delivery(headers=headers, message_id="m", priority=3, expiration="9", user_id="u"), 30_000)

    assert (sent.exchange, sent.routing_key, sent.body) == ("", "orders.retry.30s", b"1")
    assert sent.properties.headers == {"a": 1, "x-attempt": 3, "x-first-seen": 5}
    assert (sent.properties.message_id, sent.properties.priority, sent.properties.delivery_mode) == ("m", 3, 2)
    assert (sent.properties.expiration, sent.properties.user_id) == (None, None)


def test_a_dead_letter_can_always_be_encoded() -> None:
    outcome = Outcome(kind="dead_lettered", reason="rejected", error=Reject("\udcff" + "ü" * 5000))
    headers = {"f": 1.5, "list": [2.5, {"n": 1.25}], "u": 2**63, b"bin": 1}
    sent = dead_message(delivery(headers=headers), outcome, queue="dead", consumer="shop/p")
    assert sent.properties.encode()
    assert len(sent.properties.headers["x-error-message"].encode()) <= 4096
    sent = dead_message(delivery(headers={"f": 1.5}), outcome, queue="dead", consumer="shop/p")
    assert sent.properties.headers["f"] == "1.5"


@pytest.mark.parametrize(
    ("raw", "content_type", "expected"),
    [
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b'{"a": 1}', None, {"a": 1}),
        (b"[]", "application/vnd.shop+json; charset=utf-8", []),
        ("ü".encode("latin-1"), "text/plain; charset=latin-1", "ü"),
        (b"\xff", "application/octet-stream", b"\xff"),
        (b"\xff", "image/png", b"\xff"),
    ],
)
def test_bodies_are_decoded_as_their_content_type_says(raw: bytes, content_type: str | None, expected: object) -> None:
    assert decode_body(raw, content_type, None) == expected


@pytest.mark.parametrize(
    ("raw", "content_type", "encoding"),
    [
        (b"secret", "application/json", None),
        (b"secret", None, None),
        (b"\xff", "text/plain", None),
        (b"x", "text/plain; charset=nonsense", None),
        (b"{}", "application/json", "gzip"),
        (b"[" * 100_000, "application/json", None),
    ],
)
def test_bodies_that_lie_are_undecodable_and_not_quoted(
    raw: bytes, content_type: str | None, encoding: str | None
) -> None:
    with pytest.raises(Undecodable) as caught:
        decode_body(raw, content_type, encoding)
    assert "secret" not in str(caught.value)


def test_what_is_done_is_known_only_when_it_comes_back() -> None:
    done = RecentlyDone(capacity=2)
    done.add(delivery(message_id="a"))
    assert done.knows(delivery(message_id="a", redelivered=True))
    assert not done.knows(delivery(message_id="a"))
    assert not done.knows(delivery(message_id="a", redelivered=True, headers={"x-attempt": 2}))
    done.add(delivery())
    assert not done.knows(delivery(redelivered=True))
    done.add(delivery(message_id="b"))
    done.add(delivery(message_id="c"))
    assert not done.knows(delivery(message_id="a", redelivered=True))


@pytest.mark.parametrize("value", ["2", 0, -1, None, 1.5])
def test_an_attempt_that_is_no_count_is_the_first(value: object) -> None:
    assert delivery(headers={"x-attempt": value}).attempt == 1
