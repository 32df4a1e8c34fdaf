"""What a decision costs: time of one, time of ten thousand, and the memory that is kept for each QueueConsumer.

The scene is the largest that is common: five entries with a target of each kind, a memory that hours of load have
filled, and readings that are new each time. Another is a pattern of many queues of which nothing new is known. Nothing
is read from a broker or written to a cluster: `decide()` is pure.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Sequence

from rich.console import Console

from bench.decide_scene import LAG_ONLY, NOW, PATTERN, SPEC, TODAY, TURN, matched, turns
from bench.machine import Machine, package_versions
from bench.percentiles import percentile
from bench.report import Figure, Report, publish
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.decision import decide
from qc_operator.scaling.memory import Memory, remember_nothing
from qc_operator.scaling.observation import Depth, Observation
from qc_operator.scaling.sums import summed

QUEUES = 1000
"""That the pattern matches."""


def timed(*, spec: QueueConsumerSpec, history: int, measured: int) -> tuple[list[float], Memory]:
    """Seconds of each decision after a history, and the memory at the end. Each is decided once, as in the operator."""
    taken: list[float] = []
    memory = remember_nothing(now=NOW)
    for turn, (observation, remembered, now, at) in enumerate(turns(spec=spec, count=history + measured, seed=7)):
        if turn >= history:
            began = time.perf_counter()
            memory = decide(spec=spec, observation=observation, memory=remembered, now=now, at=at).memory
            taken.append(time.perf_counter() - began)
    return taken, memory


def unchanged(*, queues: int, times: int) -> tuple[list[float], float]:
    """Seconds of each decision upon the very same observation of a pattern, and of adding up its queues."""
    seen = matched(queues)
    added_up = _median(lambda: summed(seen.queues), times=50)
    observation = Observation(entries=(seen,), current=5, running=5)
    memory, taken = remember_nothing(now=NOW), []
    for turn in range(times):
        began = time.perf_counter()
        decision = decide(spec=PATTERN, observation=observation, memory=memory, now=NOW + turn * TURN / times, at=TODAY)
        taken.append(time.perf_counter() - began)
        memory = decision.memory
    return taken, added_up


def bare_formula(observation: Observation) -> int:
    """The peer's whole rule: for each queue messages / target, rounded up, and the largest within the bounds."""
    answers = []
    for entry in observation.entries:
        messages = sum([queue.depth.ready for queue in entry.queues if isinstance(queue.depth, Depth)])
        answers.append(-(-messages // 100))
    return max(1, min(200, *answers))


def size(value: object) -> int:
    """Bytes of an object and all that only it leads to; what the interpreter or the code shares is not counted."""
    shared = {id(constant) for constant in (None, True, False, (), "")}
    seen: set[int] = set()
    todo, total = [value], 0
    while todo:
        each = todo.pop()
        if id(each) in seen or id(each) in shared or isinstance(each, type) or callable(each):
            continue
        seen.add(id(each))
        total += sys.getsizeof(each)
        todo.extend(gc.get_referents(each))
    return total


def _median(action: Callable[[], object], *, times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return percentile(taken, rank=50)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; 0 when it has figures."""
    options = _options(arguments)
    console = Console(stderr=True)
    console.print("deciding: five entries, a target of each kind, a memory filled by an hour of load")
    gc.disable()  # as timeit does: a collection belongs to no decision
    taken, memory = timed(spec=SPEC, history=options.history, measured=options.decisions)
    simple, _ = timed(spec=LAG_ONLY, history=200, measured=options.decisions)
    pattern, added_up = unchanged(queues=QUEUES, times=1000)
    gc.enable()
    last = next(iter(turns(spec=SPEC, count=1, seed=7)))[0]
    bare = _median(lambda: bare_formula(last), times=2000)
    median = percentile(taken, rank=50)
    figures = [
        Figure(name="one decision, five entries, p50", value=median * 1e6, unit="us", goal=50),
        Figure(name="one decision, five entries, p99", value=percentile(taken, rank=99) * 1e6, unit="us"),
        Figure(name="10,000 decisions", value=sum(taken) * 10_000 / len(taken), unit="s", goal=0.5),
        Figure(name="one decision, one queue with lag, p50", value=percentile(simple, rank=50) * 1e6, unit="us"),
        Figure(
            name="one decision, pattern of 1,000, nothing new, p50",
            value=percentile(pattern, rank=50) * 1e6,
            unit="us",
            goal=100,
        ),
        Figure(name="adding up a pattern of 1,000", value=added_up * 1e6, unit="us"),
        Figure(name="memory per QueueConsumer", value=size(memory) / 1024, unit="KiB", goal=4),
        Figure(name="bare formula of the peer, five entries", value=bare * 1e6, unit="us"),
        Figure(name="one decision / bare formula", value=median / bare, unit="x"),
    ]
    report = Report(bench="decide", machine=Machine().facts(), versions=package_versions("msgspec"), figures=figures)
    publish(report, console=console)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.decide", description=__doc__)
    parser.add_argument("--decisions", type=int, default=10_000, help="that are timed (default: %(default)s)")
    parser.add_argument("--history", type=int, default=14_400, help="decisions before (default: an hour's)")
    options = parser.parse_args(arguments)
    if min(options.decisions, options.history) < 1:
        parser.error("--decisions and --history are 1 or more")
    return options


if __name__ == "__main__":
    sys.exit(main())
