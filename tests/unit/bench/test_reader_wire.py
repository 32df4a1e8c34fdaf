"""Reads are counted by the bytes of their answers, as the kernel counts them."""

import socket

from pika import frame, spec

from bench.reader_wire import answer_size, traffic


def test_an_answer_is_as_long_as_pika_would_write_it() -> None:
    answer = frame.Method(1, spec.Queue.DeclareOk(queue="bestellung-ä", message_count=7, consumer_count=1))

    assert len(answer.marshal()) == answer_size("bestellung-ä")


def test_bytes_that_came_in_are_counted_per_port_of_the_other_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            other, _ = server.accept()
            with other:
                other.sendall(b"x" * 1234)
                client.recv(1234, socket.MSG_WAITALL)

                counted = traffic(port)

    assert (1, 1234) == (counted.connections, counted.received)


def test_what_is_closed_no_longer_counts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()

    assert 0 == traffic(port).connections
