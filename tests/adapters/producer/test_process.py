import os
import subprocess
import sys
import textwrap

from tests.rabbitmq_vhost import Vhost


def run(vhost: Vhost, source: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)],
        env={**os.environ, "RABBITMQ_URL": vhost.url},
        capture_output=True, text=True, timeout=40, check=True,
    )  # fmt: skip


def test_the_end_of_the_process_waits_for_confirms(vhost: Vhost) -> None:
    vhost.declare("orders")
    run(
        vhost,
        """
        from qc_producer import Producer
        producer = Producer()
        for n in range(900):
            producer.submit(n, "orders")
        """,
    )
    assert vhost.ready("orders") == 900


def test_the_end_of_the_process_waits_for_confirms_of_a_producer_that_was_dropped(vhost: Vhost) -> None:
    vhost.declare("orders")
    run(
        vhost,
        """
        import gc, weakref
        from qc_producer import Producer
        def announce():
            producer = Producer()
            producer.submit("last words", "orders")
            return weakref.ref(producer)
        producer = announce()
        gc.collect()
        assert producer() is None
        """,
    )
    assert [body for _, _, body in vhost.drain("orders")] == [b"last words"]


def test_a_forked_child_does_not_wait_for_what_a_dropped_producer_of_its_parent_has_not_sent() -> None:
    program = """
        import os, time
        from qc_producer import Producer
        Producer("amqp://guest@127.0.0.1:1").submit("parent", "orders")
        child = os.fork()
        if child == 0:
            raise SystemExit  # with all that an interpreter does at its end
        started = time.monotonic()
        os.waitpid(child, 0)
        print(time.monotonic() - started)
        os._exit(0)
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=40, check=True
    )
    assert float(done.stdout) < 3  # a flush at exit would have taken its 5 s
    assert "not confirmed before the process ended" not in done.stderr


def test_the_end_of_the_process_says_what_was_lost(vhost: Vhost) -> None:
    done = run(
        vhost,
        """
        import qc_producer.producer
        qc_producer.producer.AT_EXIT_SECONDS = 0.3
        producer = qc_producer.Producer("amqp://guest@127.0.0.1:1")
        for n in range(3):
            producer.submit(n, "orders")
        """,
    )
    assert "3 messages were not confirmed before the process ended" in done.stderr


def test_a_forked_child_has_a_connection_of_its_own_and_none_of_the_parents_messages(vhost: Vhost) -> None:
    vhost.declare("orders")
    done = run(
        vhost,
        """
        import os, time
        from qc_producer import Producer
        producer = Producer()
        producer.publish("parent before", "orders")
        children = []
        for number in range(3):
            pending = [producer.submit("parent pending", "orders") for _ in range(50)]
            child = os.fork()
            if child == 0:
                assert producer.unconfirmed == 0
                producer.publish(f"child {number}", "orders")
                producer.close()
                os._exit(0)
            children.append(child)
            assert all(future.result(10) for future in pending)
        for child in children:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        producer.publish("parent after", "orders")   # on the connection from before the forks
        assert producer.connected
        print("ok")
        """,
    )
    assert done.stdout == "ok\n"
    bodies = [body.decode() for _, _, body in vhost.drain("orders")]
    assert sorted(set(bodies)) == [
        "child 0", "child 1", "child 2", "parent after", "parent before", "parent pending"
    ]  # fmt: skip
    assert bodies.count("parent pending") == 150


def test_a_fork_in_the_middle_of_publishing_threads_harms_neither(vhost: Vhost) -> None:
    vhost.declare("orders")
    run(
        vhost,
        """
        import os, threading, time
        from qc_producer import Producer
        producer = Producer()
        stop = threading.Event()
        count = [0] * 4
        def work(n):
            while not stop.is_set():
                producer.publish("parent", "orders"); count[n] += 1
        threads = [threading.Thread(target=work, args=[n]) for n in range(4)]
        [thread.start() for thread in threads]
        for _ in range(5):
            seen = sum(count)
            while sum(count) < seen + 20: time.sleep(0.005)
            child = os.fork()
            if child == 0:
                producer.publish("child", "orders"); os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        stop.set()
        [thread.join() for thread in threads]
        """,
    )
    assert [body for _, _, body in vhost.drain("orders")].count(b"child") == 5
