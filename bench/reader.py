"""`make bench-reader`: what the operator's reading costs, how fresh it is, and what the same costs in other ways.

For each release of RabbitMQ a node of its own on this machine, and the reader in a process of its own, with the
operator's default settings. docs/benchmarks.md says how to read the figures.
"""

from __future__ import annotations

import argparse
import itertools
import signal
import sys
import time
from collections.abc import Sequence

from rich.console import Console

from bench.failure import BenchError
from bench.machine import Machine, package_versions
from bench.reader_broker import STATISTICS_SECONDS, running
from bench.reader_scenarios import SCENARIOS, Effort
from bench.report import Figure, Missing, Report, publish

RELEASES = ("3.10", "4")
LEAST_CHURN = 10
MOST_MESSAGES = 1000
"""One for each queue: only the first message of a queue tells how long it takes to be seen."""
NOTES = (
    "CPU is percent of one core, the median of several windows; the broker's is all of the Erlang VM's, idle included.",
    "The reader runs with the operator's default settings in a process of its own; deciding is not part of it.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status is 0 when something was measured, whether or not goals are met."""
    options = _options(arguments)
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # What was started is ended on the way out.
    effort = Effort(
        windows=options.windows,
        seconds=options.seconds,
        messages=options.messages,
        sweeps=options.sweeps,
        churn_seconds=options.churn_seconds,
    )
    machine = Machine()
    figures: list[Figure] = []
    missing: list[Missing] = []
    versions = package_versions("pika", "aiohttp")
    for release, name in itertools.product(options.releases, options.scenarios):
        began = time.monotonic()
        try:
            # A node for each: what one scenario leaves behind, another would measure.
            with running(release) as broker:
                versions[f"rabbitmq_{release}"] = broker.version
                for found in SCENARIOS[name](broker, effort):
                    if isinstance(found, Missing):
                        missing.append(found)
                    else:
                        figures.append(found)
                    _say(console, _line(found))
        except (BenchError, OSError) as error:
            missing.append(Missing(name=f"RabbitMQ {release}, {name}: what is not above", reason=str(error)))
            _say(console, _line(missing[-1]))
        _say(console, f"RabbitMQ {release}, {name}: took {time.monotonic() - began:.0f} s")
    report = Report(
        bench="reader", machine=machine.facts(), versions=versions, figures=figures, missing=missing, notes=NOTES
    )
    publish(report, console=console)
    return 0 if figures else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.reader", description=__doc__)
    parser.add_argument("--releases", nargs="+", choices=RELEASES, default=RELEASES)
    parser.add_argument("--scenarios", nargs="+", choices=tuple(SCENARIOS), default=tuple(SCENARIOS))
    parser.add_argument("--windows", type=int, default=3, help="of which the median counts (default: %(default)s)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=STATISTICS_SECONDS,
        help="of each window (default: %(default)s, what the broker's own statistics take turns in)",
    )
    parser.add_argument("--messages", type=int, default=200, help="timed in each scenario (default: %(default)s)")
    parser.add_argument("--sweeps", type=int, default=21, help="of which the median counts (default: %(default)s)")
    parser.add_argument("--churn-seconds", type=float, default=20.0, help="default: %(default)s; the goal is for 600")
    options = parser.parse_args(arguments)
    least = min(options.windows, options.seconds, options.messages, options.sweeps)
    if least < 1 or options.churn_seconds < LEAST_CHURN or options.messages > MOST_MESSAGES:
        parser.error(f"--churn-seconds is {LEAST_CHURN} or more, --messages 1 to {MOST_MESSAGES}, the others 1 or more")
    return options


def _line(found: Figure | Missing) -> str:
    if isinstance(found, Missing):
        return f"{found.name}: missing, {found.reason}"
    goal = "" if found.goal is None else f"   (goal {found.goal:g}, {'met' if found.met else 'NOT met'})"
    return f"{found.name}: {found.value:.4g} {found.unit}{goal}"


def _say(console: Console, line: str) -> None:
    console.print(f"{time.strftime('%H:%M:%S')}  {line}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
