"""`make bench-react`: how long from a confirmed message to the write of `/scale`, from zero, and to the first pod.

One QueueConsumer with defaults, the operator installed by its chart, a RabbitMQ in the cluster. The times are taken in
this process on one clock: the confirm when it has come back on a connection that was open before, the write when the
event of a watch on the Deployment has come that was open before. So they include the watch's delivery.
docs/benchmarks.md says how to read the figures.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Sequence

from kubernetes import client, config
from rich.console import Console
from rich.text import Text

from bench import broker as brokers
from bench.alternative import bare_trial, random_delay
from bench.broker import Broker
from bench.cluster import apply, image_prefix, kubectl, load_images, namespace, operator, other_queue_consumers
from bench.failure import BenchError
from bench.machine import Machine, package_versions
from bench.operator_histogram import read_now
from bench.reaction_figures import Measured, report
from bench.report import publish
from bench.stage import Reaction, Stage, staged
from bench.workload import handler, queue_consumer

NAMESPACE = "queueconsumer-bench"
TRIALS = 50
BARE_TRIALS = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status is 0 when all was measured, whether or not goals are met."""
    options = _options(arguments)
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # What was made is taken away on the way out.
    try:
        measured = _measure(options, console)
    except BenchError as error:
        _tell(error, console)
        return 1
    publish(report(measured), console=console)
    return 0


def _tell(error: BenchError, console: Console) -> None:
    """Say what went wrong first: taking things away may have failed after it, and for the same reason."""
    first: BaseException = error
    while isinstance(first.__context__, BenchError):
        first = first.__context__
    console.print(Text(f"bench-react: {first}", style="bold red"))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.reaction", description=__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS, help="of the operator (default: %(default)s)")
    parser.add_argument("--bare-trials", type=int, default=BARE_TRIALS, help="of the bare loop (default: %(default)s)")
    parser.add_argument("--queue-type", choices=("quorum", "classic"), default="quorum")
    options = parser.parse_args(arguments)
    if options.trials < 1 or not 0 <= options.bare_trials <= options.trials:
        parser.error("--trials is 1 or more, --bare-trials 0 to --trials")
    return options


def _measure(options: argparse.Namespace, console: Console) -> Measured:
    """Set everything up, run the trials and take it all away again. Raises BenchError."""
    load_images(console)
    config.load_kube_config()
    with operator(console) as installed, namespace(NAMESPACE), brokers.running(namespace=NAMESPACE) as broker:
        console.print(f"publishing through {broker.route} to a {options.queue_type} queue")
        versions = package_versions("pika", "kubernetes") | installed
        versions |= {
            "kubernetes_server": client.VersionApi().get_code().git_version.removeprefix("v"),
            "rabbitmq": broker.version(),
        }
        with _stages(options, broker) as (ours, bare):
            # The first of each pulls code into memory and opens connections: no trial, but a start.
            console.print("a trial of each that does not count")
            _trial(ours)
            if options.bare_trials:
                bare_trial(bare, broker=broker, namespace=NAMESPACE)
            machine, before = Machine(), read_now()
            operators, bares = _trials(options, console, broker=broker, ours=ours, bare=bare)
            facts = machine.facts()
            notes = [f"Published through {broker.route}, to a {options.queue_type} queue."]
            if others := other_queue_consumers(NAMESPACE):
                notes.append(f"The operator served {others} other QueueConsumers at the same time.")
            histogram = read_now().since(before)
            kubectl("-n", NAMESPACE, "delete", "queueconsumer", ours.name)
    return Measured(operator=operators, bare=bares, histogram=histogram, machine=facts, versions=versions, notes=notes)


@contextlib.contextmanager
def _stages(options: argparse.Namespace, broker: Broker) -> Iterator[tuple[Stage, Stage]]:
    """One stage for the operator, with its QueueConsumer, and one for the bare loop."""
    apply(handler(namespace=NAMESPACE))
    with broker.channel() as channel, contextlib.ExitStack() as stack:
        ours, bare = (
            stack.enter_context(
                staged(
                    name,
                    namespace=NAMESPACE,
                    channel=channel,
                    queue_type=options.queue_type,
                    image_prefix=image_prefix(),
                )
            )
            for name in ("reaction", "bare")
        )
        apply(queue_consumer(name=ours.name, namespace=NAMESPACE))
        ready = ("wait", "--for=condition=Ready", f"queueconsumer/{ours.name}", "--timeout=60s")
        kubectl("-n", NAMESPACE, *ready)
        yield ours, bare


def _trials(
    options: argparse.Namespace, console: Console, *, broker: Broker, ours: Stage, bare: Stage
) -> tuple[list[Reaction], list[Reaction]]:
    """Take turns, so that both have the same machine; one line for each trial."""
    operators: list[Reaction] = []
    bares: list[Reaction] = []
    for number in range(1, options.trials + 1):
        at = time.strftime("%H:%M:%S")
        operators.append(_trial(ours))
        line = f"{at}  trial {number:>3}  operator: {_line(operators[-1])}"
        if len(bares) < options.bare_trials:
            bares.append(bare_trial(bare, broker=broker, namespace=NAMESPACE))
            line += f"   bare loop: {_line(bares[-1])}"
        console.print(line, highlight=False, soft_wrap=True)
    return operators, bares


def _trial(stage: Stage) -> Reaction:
    """Time one message with the operator reading, and wait until it has put replicas back to zero."""
    random_delay()
    reaction = stage.send()
    stage.rest()
    return reaction


def _line(reaction: Reaction) -> str:
    ready = "never Ready" if reaction.ready is None else f"Ready {reaction.ready:6.2f} s"
    return f"written {1000 * reaction.written:5.0f} ms, {ready}"


if __name__ == "__main__":
    sys.exit(main())
