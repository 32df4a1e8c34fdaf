"""Reading the text that the nodes' Prometheus endpoints answer with."""

import pytest

from qc_operator.brokers.metrics_text import NodeAnswer, parse


def body(*queues: tuple[str, str, int, int], release: str, vhost: str = "/", info: bool = False) -> bytes:
    """An answer as RabbitMQ writes it: `queues` are (label as written, type, ready, unacknowledged)."""
    lines = []
    for place, metric in ((2, "messages_ready"), (3, "messages_unacked")):
        lines += [f"# TYPE rabbitmq_detailed_queue_{metric} gauge", f"# HELP rabbitmq_detailed_queue_{metric} of it"]
        lines += [
            f'rabbitmq_detailed_queue_{metric}{{vhost="{vhost}",queue="{queue[0]}"}} {queue[place]}' for queue in queues
        ]
    lines += ["# TYPE rabbitmq_detailed_queue_messages gauge", "# HELP rabbitmq_detailed_queue_messages of it"]
    lines += [f'rabbitmq_detailed_queue_messages{{vhost="{vhost}",queue="{queue[0]}"}} 99' for queue in queues]
    if info:
        lines += ["# TYPE rabbitmq_detailed_queue_info gauge"]
        lines += [
            f'rabbitmq_detailed_queue_info{{vhost="{vhost}",queue="{name}",queue_type="{type_}",membership="leader"}} 1'
            for name, type_, *_ in queues
        ]
    lines += [
        "# TYPE rabbitmq_build_info untyped",
        f'rabbitmq_build_info{{rabbitmq_version="{release}",erlang_version="25.2.3"}} 1',
        "# TYPE rabbitmq_identity_info untyped",
        'rabbitmq_identity_info{rabbitmq_node="rabbit@a",rabbitmq_cluster="b"} 1',
        "",
    ]
    return "\n".join(lines).encode()


def counts(text: bytes, *, vhost: str = "/") -> dict[str, tuple[int, int]]:
    return parse(text, vhost=vhost, with_types=True).counts


@pytest.mark.parametrize("release", ["3.10.8", "4.3.6"])
def test_ready_and_unacknowledged_of_every_queue(release: str) -> None:
    text = body(("orders", "", 3, 1), ("größe {x} 1", "", 0, 12), release=release)

    assert {"orders": (3, 1), "größe {x} 1": (0, 12)} == counts(text)


def test_types_where_the_node_tells_them() -> None:
    text = body(
        ("a", "rabbit_classic_queue", 0, 0), ("b", "rabbit_stream_queue", 0, 0), ("c", "later", 0, 0),
        release="4.3.6", info=True,
    )  # fmt: skip

    assert {"a": "classic", "b": "stream", "c": "later"} == parse(text, vhost="/", with_types=True).types


def test_the_node_says_its_name() -> None:
    assert NodeAnswer(node="rabbit@a", counts={}, types={}) == parse(body(release="4.3.6"), vhost="/", with_types=False)


def test_newer_releases_escape_names() -> None:
    text = body((r"we\"ird\\na", "", 3, 0), (r"two\nlines", "", 4, 0), ("plain", "", 5, 0), release="4.3.6")

    assert {'we"ird\\na': (3, 0), "two\nlines": (4, 0), "plain": (5, 0)} == counts(text)


def test_older_releases_do_not() -> None:
    text = body((r"we\"ird\\na", "", 3, 0), ('say "x",queue="y', "", 4, 0), ('a"} 7', "", 5, 0), release="3.10.8")

    assert {r"we\"ird\\na": (3, 0), 'say "x",queue="y': (4, 0), 'a"} 7': (5, 0)} == counts(text)


def test_a_name_that_may_be_escaped_or_not_is_left_out() -> None:
    text = body((r"a\\b", "", 3, 0), ("plain", "", 5, 0), release="3.12.1")

    assert {"plain": (5, 0)} == counts(text)


def test_a_vhost_may_be_called_anything() -> None:
    assert {"orders": (3, 1)} == counts(
        body(("orders", "", 3, 1), release="4.3.6", vhost=r"a.b\"c\\[d"), vhost='a.b"c\\[d'
    )
    assert {} == counts(body(("orders", "", 3, 1), release="4.3.6", vhost="axb"), vhost="a.b")


def test_a_queue_without_one_of_the_counts_is_left_out() -> None:
    text = body(("orders", "", 3, 1), ("bills", "", 2, 0), release="4.3.6").replace(
        b'messages_unacked{vhost="/",queue="bills"} 0', b'messages_unacked{vhost="/",queue="bills"} NaN'
    )

    assert {"orders": (3, 1)} == counts(text)
