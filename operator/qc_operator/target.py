"""The scale target of one QueueConsumer: its replicas as they are, and writing them without overwriting others.

A watch shows it, so that at rest nothing is read. What we wrote or read ourselves may be newer than what the watch has
shown so far, and then it counts. Only where the watch cannot tell is `/scale` read, and again when it has grown old.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from qc_operator.cluster import Followed, Scale, ScaleWriter, TargetWatcher
from qc_operator.cluster.client import ApiError
from qc_operator.resource import ScaleTargetRef
from qc_operator.scaling.pods import Pods
from qc_operator.target_pods import TargetPods


class Target:
    """A target and what is known of its scale. Times are seconds of the caller's monotonic clock.

    `notify` is called when the watch shows that the target appears, goes, is another, or has other replicas.
    """

    def __init__(
        self,
        *,
        scales: ScaleWriter,
        namespace: str,
        ref: ScaleTargetRef,
        max_age: float,
        pods: TargetPods | None = None,
        watch: TargetWatcher | None = None,
        notify: Callable[[], None] = lambda: None,
    ) -> None:
        self._scales = scales
        self._namespace = namespace
        self._max_age = max_age
        self._own: Scale | None = None
        """As we read or wrote it last, unless the watch has shown a later one."""
        self._own_at = float("-inf")
        self._overtaken = False
        """Somebody wrote, and the watch may not have shown it yet: it has to be read."""
        self._scale: Scale | None = None
        self._scale_at = float("-inf")
        """When it was that, for certain."""
        self._pods = pods
        self._followed: Followed | None = None
        if watch is not None:
            self._followed = watch.follow(namespace=namespace, target=ref, notify=notify)
        self.ref = ref

    async def scale(self, *, now: float) -> Scale:
        """The scale as the watch shows it, or read if it cannot and what is known is older than `max_age`.

        Raises `ApiError`, without a request when the watch knows that there is no such target.
        """
        if self._followed is not None:
            await self._followed.settled()
        scale = self._known(now=now)
        if scale is None:
            read = self._own = await self._scales.read(namespace=self._namespace, target=self.ref)
            self._own_at = now
            self._overtaken = False
            scale = self._known(now=now) or read
        if self._followed is not None and self._followed.current:
            self._scale_at = now
        elif scale is self._own:
            self._scale_at = max(self._scale_at, self._own_at)
        self._scale = scale
        return scale

    def pods(self, *, now: float) -> Pods | None:
        """Its pods as last seen, None where they cannot be known. Never waits: see `TargetPods`."""
        if self._pods is None:
            return None
        self._follow_pods(now=now)
        return self._pods.known

    @property
    def pods_problem(self) -> str | None:
        """Why its pods are not known though it has a selector, and what to do about it, as a sentence; else None."""
        return self._pods.problem if self._pods is not None else None

    @property
    def watch_problem(self) -> str | None:
        """Why it is read instead of watched, and what to do about it, as a sentence; else None."""
        return self._followed.problem if self._followed is not None else None

    async def ask(self, replicas: int, *, known: Scale, now: float) -> Scale:
        """Ask for a number of replicas, unless somebody wrote since `known`.

        Raises `ApiError`, with `conflict` when somebody did: then the next `scale` reads.
        """
        self.forget()
        try:
            self._own = await self._scales.write(
                namespace=self._namespace,
                target=self.ref,
                replicas=replicas,
                resource_version=known.resource_version,
            )
        except ApiError as error:
            self._overtaken = error.conflict
            raise
        self._own_at = now
        self._scale, self._scale_at = self._own, now
        self._follow_pods(now=now)
        return self._own

    def close(self) -> None:
        """Read nothing more."""
        if self._pods is not None:
            self._pods.close()
        if self._followed is not None:
            self._followed.close()

    def forget(self) -> None:
        """Take what the watch shows next time, or read again where it cannot tell."""
        self._own = self._scale = None

    def _known(self, *, now: float) -> Scale | None:
        """The scale if it is known without a request. Raises `ApiError` when there is none."""
        if self._followed is not None and self._followed.missing:
            self.forget()
            message = f'{self.ref.kind} "{self.ref.name}" not found in namespace {self._namespace}'
            raise ApiError(status=404, reason="NotFound", message=message)
        if self._overtaken:
            return None
        own = self._own
        version = self._followed.version if self._followed is not None else None
        if self._followed is not None and version is not None:
            if own is None or _older(own.resource_version, version):
                self._own = None
                return self._followed.scale
            if own.resource_version == version:
                # One that was read does not tell who wrote it, and the scale of a custom kind is not shown.
                return self._followed.scale or _written_by(own, self._followed.writer)
            if _older(version, own.resource_version):
                return own
        return own if own is not None and now - self._own_at <= self._max_age else None

    def _follow_pods(self, *, now: float) -> None:
        if self._pods is not None and self._scale is not None:
            self._pods.follow(scale=self._scale, read_at=self._scale_at, now=now)


def _older(one: str, other: str) -> bool:
    """Whether a resourceVersion is older than another of the same resource.

    They compare as integers (KEP-5504, "Comparable resource versions"). Where an extension's API server has others,
    neither is older.
    """
    return one.isdecimal() and other.isdecimal() and int(one) < int(other)


def _written_by(scale: Scale, writer: str) -> Scale:
    return replace(scale, writer=writer) if writer and not scale.writer else scale
