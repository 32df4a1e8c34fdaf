"""The pods of one scale target, read by a task that no decision and no write waits for.

They are read only while they are on their way; when, is the business of `Rollout`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from msgspec.structs import replace

from qc_operator.cluster import PodReader, Scale
from qc_operator.cluster.client import ApiError
from qc_operator.cluster.rollout import Rollout
from qc_operator.scaling.pods import Pods

log = logging.getLogger(__name__)


class TargetPods:
    """The pods of one target, as last seen. Times are seconds of the caller's monotonic clock."""

    def __init__(self, *, reader: PodReader, namespace: str, notify: Callable[[], None]) -> None:
        self._reader = reader
        self._namespace = namespace
        self._notify = notify
        self._selector = ""
        self._rollout = Rollout()
        self._task: asyncio.Task[None] | None = None
        self._failing = False
        self._closed = False
        self.known: Pods | None = None
        self.problem: str | None = None
        """Why they are not known, and what to do about it; None also for a trouble of the API server that passes."""

    def follow(self, *, scale: Scale, read_at: float, now: float) -> None:
        """Take in the scale as it was read at `read_at`, and have the pods read if it is time for it."""
        if scale.selector != self._selector:
            self._start_anew(scale.selector)
        if not scale.selector:
            return  # Without one every pod of the namespace would be ours.
        self._rollout.note(asked=scale.replicas, running=scale.running, running_at=read_at, now=now)
        confirmed_at = self._rollout.confirmed_at
        if self.known is not None and confirmed_at is not None and confirmed_at > self.known.at:
            # At rest they are as good as new each time that the scale is read, and guards need not ask for more.
            self.known = replace(self.known, at=confirmed_at)
        if self._task is None and not self._closed and self._rollout.due(now=now):
            self._rollout.began(now=now)
            self._task = asyncio.create_task(self._read(scale.selector))

    def close(self) -> None:
        """Stop reading, for good: the turn under way may still follow its target for a moment."""
        self._closed = True
        self._give_up()

    def _give_up(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _start_anew(self, selector: str) -> None:
        self._give_up()
        self._selector, self._rollout = selector, Rollout()
        self.known, self.problem, self._failing = None, None, False

    async def _read(self, selector: str) -> None:
        try:
            pods = await self._reader.read(namespace=self._namespace, selector=selector)
        except ApiError as error:
            self._failed(error)
        except Exception:
            # A mistake of ours must neither end the looks at these pods nor be tried at every turn.
            log.exception("the pods %s in namespace %s were not read", selector, self._namespace)
            self._rollout.failed(refused=True)
        else:
            self._rollout.saw(pods)
            self.known, self.problem, self._failing = pods, None, False
        self._task = None
        self._notify()

    def _failed(self, error: ApiError) -> None:
        self._rollout.failed(refused=not error.passing)
        if error.forbidden:
            self.known = None
            self.problem = (
                f"the operator may not list pods in namespace {self._namespace}, so it decides without knowing which "
                "of them start or find no node; grant its ServiceAccount list on pods, as the chart does"
            )
            return  # The reader logs it once for all targets of the namespace.
        if not error.passing:
            self.known = None
            self.problem = f"the pods of the target could not be read: {error}"
        if not self._failing:
            self._failing = True
            log.warning("the pods %s in namespace %s were not read: %s", self._selector, self._namespace, error)
