"""Before a step down: have the pods go first that hold no messages, by their deletion costs.

It is done beside the turns, so that a step up never waits for it. A step down waits for at most `WITHIN` seconds, and
is taken whatever came of it: the worst that can happen is what happens without it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from qc_operator.brokers import Feed
from qc_operator.brokers.management import ManagementError
from qc_operator.cluster import CostWriter, Scale
from qc_operator.cluster.client import ApiError
from qc_operator.resource import ScaleTargetRef
from qc_operator.scaling.deletion_costs import changes
from qc_operator.scaling.holdings import held, told_by_hosts
from qc_operator.scaling.observation import EntryObservation, Totals

WITHIN: Final = 1.5
"""Seconds for which a step down waits at most."""
HOLDS_FOR: Final = 10.0
"""Seconds after which a step down that could not be written is prepared anew."""
REFUSED_FOR: Final = 600.0
"""Seconds before pods are written to again after the operator was found not to be allowed to."""

MOST_WRITES: Final = 300
"""Pods that are written to before one step. A busy API server takes 200 to 350 in a second."""

log = logging.getLogger(__name__)


class ScaleIn:
    """Prepares the steps down of one target. Times are seconds of the caller's monotonic clock."""

    def __init__(self, *, costs: CostWriter, namespace: str, ref: ScaleTargetRef, notify: Callable[[], None]) -> None:
        self._costs = costs
        self._namespace = namespace
        # The pods of a StatefulSet go in the order of their numbers, whatever they cost.
        self._in_order = ref.kind == "StatefulSet"
        self._what = f"{ref.kind} {namespace}/{ref.name}"
        self._notify = notify
        self._task: asyncio.Task[None] | None = None
        self._step: tuple[int, int] | None = None
        self._since = 0.0
        self._refused_at = float("-inf")
        self._closed = False
        self.problem: str | None = None
        """Why idle pods do not go first, and what to do about it, as a sentence; else None."""

    def ready(
        self, *, scale: Scale, replicas: int, entries: tuple[EntryObservation, ...], feed: Feed, now: float
    ) -> bool:
        """Whether to write these replicas now; `notify` is called when that changes. No I/O.

        Only a step down to more than zero, while messages are held, ever waits, and only once.
        """
        step = (scale.replicas, replicas)
        if self._in_order or not scale.selector or not 0 < replicas < scale.replicas or not _held(entries):
            self._give_up()
            return True
        if self._closed or now - self._refused_at < REFUSED_FOR:
            return True
        waited = now - self._since
        if self._step is None or waited > HOLDS_FOR:
            self._since = now
        elif self._step == step:
            return self._task is None or waited > WITHIN
        elif waited > WITHIN:
            return True  # A decision that changes all the time does not wait for ever.
        self._give_up()
        self._step = step
        within = WITHIN - (now - self._since)
        self._task = asyncio.create_task(
            self._prepare(scale.selector, keep=replicas, feed=feed, now=now, within=within)
        )
        return False

    def close(self) -> None:
        """Prepare nothing more."""
        self._closed = True
        self._give_up()

    def _give_up(self) -> None:
        self._step = None
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _prepare(self, selector: str, *, keep: int, feed: Feed, now: float, within: float) -> None:
        problem: str | None = None
        try:
            async with asyncio.timeout(within):
                await self._cost(selector, keep=keep, feed=feed)
        except ManagementError as error:
            problem = f"it is not known which pods hold messages: {error}"
        except ApiError as error:
            problem = f"the deletion costs of pods were not read or written: {error}"
            if error.forbidden:
                problem += "; grant the operator's ServiceAccount list and patch on pods, as the chart does"
                self._refused_at = now
        except TimeoutError:
            problem = f"that was not done within {WITHIN:g} s"
        except Exception:
            # A mistake of ours must not keep the target from its step.
            log.exception("a step down of %s was not prepared", self._what)
        if problem is not None and problem != self.problem:
            log.info("%s goes down without idle pods going first: %s", self._what, problem)
        self.problem = problem
        self._task = None
        self._notify()

    async def _cost(self, selector: str, *, keep: int, feed: Feed) -> None:
        pods = await self._costs.read(namespace=self._namespace, selector=selector)
        if len(pods) <= keep:
            return
        addresses = {pod.name: pod.addresses for pod in pods}

        def tell_enough(hosts: Sequence[str]) -> bool:
            return told_by_hosts(pods=addresses, hosts=hosts)

        holds = held(pods=addresses, holdings=await feed.holdings(tell_enough))
        wanted = dict(islice(changes(pods=pods, held=holds, keep=keep).items(), MOST_WRITES))
        await self._costs.write(namespace=self._namespace, pods=pods, changes=wanted)
        if wanted:
            log.info("%s: %d of %d pods hold messages, %d deletion costs written", self._what, len(holds),
                     len(pods), len(wanted))  # fmt: skip


def _held(entries: tuple[EntryObservation, ...]) -> bool:
    """Whether consumers hold messages, as far as the totals tell: where nobody counts them, nobody tells whose."""
    return any(
        isinstance(queue.totals, Totals) and queue.totals.unacknowledged > 0
        for entry in entries
        for queue in entry.queues
    )
