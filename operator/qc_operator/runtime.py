"""The composition root: settings -> adapters -> reconciler -> kopf.

kopf is not put in a task group, and is always told to stop before the loop unwinds: an operator that is cancelled
together with its timers hangs for ever (kopf 1.45).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

import kopf

from qc_operator import handlers, health
from qc_operator.brokers.credentials import SecretUnreadableError
from qc_operator.brokers.feeds import SecretFeeds
from qc_operator.brokers.web import open_session
from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.cluster.events import Events
from qc_operator.cluster.pods import PodLists
from qc_operator.cluster.scale import Scales
from qc_operator.cluster.secrets import Secrets
from qc_operator.cluster.status import Statuses
from qc_operator.metrics import Metrics
from qc_operator.reconciler import Reconciler
from qc_operator.settings import Settings
from qc_operator.surroundings import Surroundings

STOP_TIMEOUT = 20.0

log = logging.getLogger(__name__)


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """Seconds of the event loop's clock."""
        return time.monotonic()

    def utcnow(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)


async def run(settings: Settings) -> int:
    """Run the operator until SIGTERM or SIGINT, or until kopf gives up. Returns the exit status."""
    stop, ready = asyncio.Event(), asyncio.Event()
    _on_signals(stop)
    api, metrics, clock = KubernetesApi(), Metrics(), SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session())
        feeds = SecretFeeds(
            secret_data=SecretSource(secrets=Secrets(api=api)),
            settings=settings.reading,
            identity=settings.identity,
            session=session,
        )
        stack.push_async_callback(feeds.close)
        reconciler = Reconciler(
            surroundings=Surroundings(
                feeds=feeds,
                scales=Scales(api=api),
                pods=PodLists(
                    api=api,
                    monotonic=clock.monotonic,
                    utcnow=clock.utcnow,
                    count_error=lambda reason: metrics.api_errors.labels(resource="pods", reason=reason).inc(),
                ),
                statuses=Statuses(api=api),
                events=Events(api=api, identity=settings.identity),
                metrics=metrics,
                clock=clock,
                settings=settings.status,
            )
        )
        stack.callback(reconciler.close)
        registry = kopf.OperatorRegistry()
        handlers.register(registry=registry, reconciler=reconciler, api=api)
        runner = await health.serve(
            port=settings.port,
            registry=metrics.registry,
            ready=lambda: None if ready.is_set() and not stop.is_set() else "not watching",
        )
        stack.push_async_callback(runner.cleanup)
        operator = asyncio.create_task(_watch(registry=registry, api=api, stop=stop, ready=ready))
        return await _wait(operator=operator, stop=stop, reconciler=reconciler)


def _on_signals(stop: asyncio.Event) -> None:
    """Stop on SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


async def _watch(
    *, registry: kopf.OperatorRegistry, api: KubernetesApi, stop: asyncio.Event, ready: asyncio.Event
) -> None:
    waiting = asyncio.create_task(handlers.wait_for_resource(api))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([waiting, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if stop.is_set():
        waiting.cancel()
        return
    await waiting
    others = asyncio.all_tasks()
    tasks = await kopf.spawn_tasks(registry=registry, clusterwide=True, stop_flag=stop, ready_flag=ready)
    _on_signals(stop)  # Again: kopf has put handlers of its own in their place, and our turns must end first.
    await kopf.run_tasks(tasks, ignored=others)


async def _wait(*, operator: asyncio.Task[None], stop: asyncio.Event, reconciler: Reconciler) -> int:
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([operator, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        # No turn may outlive the session, which kopf closes on its way out.
        reconciler.close()
        stop.set()
        await asyncio.wait([operator], timeout=STOP_TIMEOUT)
        stopping.cancel()
    if operator.done() and (error := operator.exception()) is not None:
        # Kubernetes starts us again; nothing is lost, and replicas do not move by a restart.
        log.error("the watch ended: %s", error, exc_info=error)
        return 1
    return 0


class SecretSource:
    """Gives Secrets to the brokers, with errors in their words."""

    def __init__(self, *, secrets: Secrets) -> None:
        self._secrets = secrets

    async def __call__(self, namespace: str, name: str) -> Mapping[str, str]:
        """The Secret's data. Raises `SecretUnreadableError`."""
        try:
            return await self._secrets.data(namespace=namespace, name=name)
        except ApiError as error:
            if error.not_found:
                raise SecretUnreadableError(
                    reason="SecretNotFound",
                    message=f"Secret {namespace}/{name}, named by spec.broker.secretName, does not exist: create it",
                ) from None
            if error.status == HTTPStatus.FORBIDDEN:
                raise SecretUnreadableError(
                    reason="SecretForbidden",
                    message=f"the operator may not read Secret {namespace}/{name}: "
                    "grant its ServiceAccount get on secrets",
                ) from None
            raise SecretUnreadableError(
                reason="Unreachable", message=f"Secret {namespace}/{name} could not be read: {error}"
            ) from None
