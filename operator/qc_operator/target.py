"""The scale target of one QueueConsumer: its replicas as last read, and writing them without overwriting others."""

from __future__ import annotations

from qc_operator.cluster import Scale, ScaleWriter
from qc_operator.resource import ScaleTargetRef


class Target:
    """A target and what is known of its scale. Times are seconds of the caller's monotonic clock."""

    def __init__(self, *, scales: ScaleWriter, namespace: str, ref: ScaleTargetRef, max_age: float) -> None:
        self._scales = scales
        self._namespace = namespace
        self._max_age = max_age
        self._scale: Scale | None = None
        self._read_at = float("-inf")
        self.ref = ref

    async def scale(self, *, now: float) -> Scale:
        """The scale, read again when it is older than `max_age` or was forgotten. Raises `ApiError`."""
        if self._scale is None or now - self._read_at > self._max_age:
            self._scale = await self._scales.read(namespace=self._namespace, target=self.ref)
            self._read_at = now
        return self._scale

    async def ask(self, replicas: int, *, known: Scale, now: float) -> Scale:
        """Ask for a number of replicas, unless somebody wrote since `known` was read.

        Raises `ApiError`, with `conflict` when somebody did; either way the next `scale` reads again.
        """
        self.forget()
        self._scale = await self._scales.write(
            namespace=self._namespace,
            target=self.ref,
            replicas=replicas,
            resource_version=known.resource_version,
        )
        self._read_at = now
        return self._scale

    def forget(self) -> None:
        """Read again next time."""
        self._scale = None
