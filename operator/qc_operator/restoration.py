"""`restoreReplicasOnDelete: Original`: a target gets back the replicas that it had before its QueueConsumer.

The number is in the status, and our finalizer on the object, before the first replica is written. When somebody deletes
the object, the finalizer keeps it until the number is written back, or until it is clear that it cannot be.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

from qc_operator.cluster.client import ApiError
from qc_operator.registry import Known, read
from qc_operator.reporting import target_name
from qc_operator.resource import QueueConsumerSpec, ScaleTargetRef
from qc_operator.surroundings import Surroundings

TRIES: Final = 5
"""Writes of one attempt: a Deployment's resourceVersion moves with its pods."""

RETRY_FIRST: Final = 1.0
RETRY_MOST: Final = 60.0
"""Seconds between two attempts while the API server does not answer."""

log = logging.getLogger(__name__)


def asked_for(spec: QueueConsumerSpec) -> bool:
    """Whether the target's replicas are to be given back. `mode: Observe` has taken nothing."""
    return spec.restore_replicas_on_delete == "Original" and spec.mode == "Scale"


async def hold(*, known: Known, around: Surroundings) -> None:
    """Put our finalizer on an object that asks for it. Raises `ApiError`."""
    await _hold(known=known, around=around, held=True)
    log.info("%s: will give its target back its replicas when it is deleted", known.key)


async def release(*, known: Known, around: Surroundings) -> None:
    """Take our finalizer off an object. Raises `ApiError`."""
    await _hold(known=known, around=around, held=False)


async def original(*, known: Known, ref: ScaleTargetRef, around: Surroundings) -> int | None:
    """What the object's status says now of the replicas that this target had before; None if nothing.

    What the watch has shown may be older than what the leader before us has written. Raises `ApiError`.
    """
    body = await around.finalizers.read(key=known.key)
    status = body.get("status") or {}
    if body["metadata"]["uid"] != known.uid or status.get("columns", {}).get("target") != target_name(ref):
        return None
    replicas = status.get("originalReplicas")
    return replicas if isinstance(replicas, int) else None


async def _hold(*, known: Known, around: Surroundings, held: bool) -> None:
    for last in (False,) * (TRIES - 1) + (True,):
        body = await around.finalizers.read(key=known.key)
        now = read(body)
        if now.uid != known.uid or now.held == held or (held and now.deleting):
            return
        try:
            await (around.finalizers.add(body=body) if held else around.finalizers.remove(body=body))
        except ApiError as error:
            # Our own writes of the status move the resourceVersion, too.
            if last or not error.conflict:
                raise
        else:
            return


async def restore(*, known: Known, around: Surroundings, owned: bool, after: float = 0.0) -> None:
    """Give the target of a deleted object its replicas back and let the object go; try until the API server answers.

    `after` so many seconds, if nobody else has done so by then. `owned` says whether the target is this object's to
    write. What the API server refuses for good, because the target is gone or may not be written, is told by an event,
    and the object goes all the same: a namespace must not hang in Terminating for it.
    """
    await asyncio.sleep(after)
    pause = RETRY_FIRST
    while True:
        try:
            await _restore(known=known, around=around, owned=owned)
        except ApiError as error:
            if error.not_found:
                return
            log.warning("%s: its finalizer was not removed, next try in %.0f s: %s", known.key, pause, error)
        except Exception:
            # A mistake of ours must not hold the object, and with it its namespace, for ever.
            log.exception("%s: its finalizer was not removed, next try in %.0f s", known.key, pause)
        else:
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, RETRY_MOST)


async def _restore(*, known: Known, around: Surroundings, owned: bool) -> None:
    body = await around.finalizers.read(key=known.key)
    now = read(body)
    if now.uid != known.uid or not now.held:
        return
    if owned and now.spec is not None and asked_for(now.spec):
        try:
            await _give_back(now=now, spec=now.spec, around=around, status=body.get("status") or {})
        except ApiError as error:
            if error.passing or error.conflict:
                raise
            if not error.not_found:  # A target that is gone, too, needs nothing.
                note = f"the replicas of its target were not restored: {error}"
                await _tell(now, around=around, warning=True, note=note)
    await around.finalizers.remove(body=body)


async def _give_back(*, now: Known, spec: QueueConsumerSpec, around: Surroundings, status: Mapping[str, Any]) -> None:
    original = status.get("originalReplicas")
    if not isinstance(original, int):
        return  # It never got as far as a decision.
    for last in (False,) * (TRIES - 1) + (True,):
        scale = await around.scales.read(namespace=now.key.namespace, target=spec.scale_target_ref)
        if scale.replicas == original:
            return
        try:
            await around.scales.write(
                namespace=now.key.namespace,
                target=spec.scale_target_ref,
                replicas=original,
                resource_version=scale.resource_version,
            )
        except ApiError as error:
            if last or not error.conflict:
                raise
        else:
            note = f"{scale.replicas} -> {original} replicas, Restored: as many as before this QueueConsumer"
            log.info("%s: %s", now.key, note)
            await _tell(now, around=around, warning=False, note=note)
            return


async def _tell(known: Known, *, around: Surroundings, warning: bool, note: str) -> None:
    await around.events.post(
        about=known,
        warning=warning,
        reason="RestoreFailed" if warning else "Restored",
        action="Scale",
        note=note,
        at=around.clock.utcnow(),
    )
