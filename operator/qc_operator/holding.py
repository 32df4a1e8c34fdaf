"""Before the first write: an object that is to give its target its replicas back waits for that when it is deleted."""

from __future__ import annotations

from qc_operator import restoration
from qc_operator.announcer import Announcer
from qc_operator.cluster.client import ApiError
from qc_operator.registry import Known
from qc_operator.resource import QueueConsumerSpec
from qc_operator.surroundings import Surroundings
from qc_operator.target import Target


class FinalizerError(Exception):
    """The finalizer was not put on or taken off; `error` says why."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(str(error))
        self.error = error


class Holding:
    """Keeps finalizer and original replicas of one object as its spec asks for."""

    def __init__(self, *, around: Surroundings, announcer: Announcer) -> None:
        self._around = around
        self._announcer = announcer
        self._held = False

    def seen(self, known: Known) -> None:
        """Take in what the watch shows."""
        self._held = known.held

    async def keep(self, *, known: Known, spec: QueueConsumerSpec, target: Target, now: float) -> None:
        """Ask for what is missing. Raises `FinalizerError`, and `ApiError` where the target cannot be read."""
        asked_for = restoration.asked_for(spec)
        if asked_for and not self._announcer.has_original:
            # Of another target, too, for which the finalizer is there already.
            replicas = (await target.scale(now=now)).replicas
            try:
                told = await restoration.original(known=known, ref=target.ref, around=self._around)
                await self._announcer.keep_original(replicas if told is None else told, about=known)
            except ApiError as error:
                raise FinalizerError(error) from None
        if asked_for == self._held:
            return
        try:
            await (restoration.hold if asked_for else restoration.release)(known=known, around=self._around)
        except ApiError as error:
            raise FinalizerError(error) from None
        self._held = asked_for
