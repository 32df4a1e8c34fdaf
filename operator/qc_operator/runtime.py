"""The composition root: settings -> adapters -> reconciler, and beside it the watch, the census and the Lease.

Each goes on whatever happens to the others. One that ends with an error ends the process: Kubernetes starts it again,
another pod leads meanwhile, and replicas do not move by a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal

from qc_operator import VERSION, health
from qc_operator.brokers.feeds import SecretFeeds
from qc_operator.brokers.web import open_session
from qc_operator.census import Census
from qc_operator.cluster.client import KubernetesApi
from qc_operator.cluster.deletion_costs import DeletionCosts
from qc_operator.cluster.events import Events
from qc_operator.cluster.fence import unfenced
from qc_operator.cluster.finalizers import Finalizers
from qc_operator.cluster.inventory import Inventory
from qc_operator.cluster.kinds import Kinds
from qc_operator.cluster.lease import Leases
from qc_operator.cluster.pods import PodLists
from qc_operator.cluster.rivals import Rivals
from qc_operator.cluster.scale import Scales
from qc_operator.cluster.secrets import Secrets
from qc_operator.cluster.status import Statuses
from qc_operator.cluster.target_watch import TargetWatch
from qc_operator.elector import Elector
from qc_operator.lease_record import Timing
from qc_operator.lifetime import live
from qc_operator.live_page import live_page, show
from qc_operator.login import keep_logged_in, log_in, user_agent
from qc_operator.loop_lag import watch_loop
from qc_operator.metrics import Metrics
from qc_operator.reconciler import Reconciler
from qc_operator.secret_source import SecretSource
from qc_operator.serving import Serving
from qc_operator.settings import Settings
from qc_operator.surroundings import Nobody, Surroundings
from qc_operator.system_clock import SystemClock
from qc_operator.watch import Watch

STATUSES_AT_ONCE, EVENTS_AT_ONCE = 32, 4
"""Writes of them under way, of their own, so that a flood of events delays no status. Each has a connection, whose TLS
takes some 0.3 MiB: a thousand objects that are taken up at the same time would take 300 MiB. Nobody scales later for
it."""

log = logging.getLogger(__name__)


async def run(settings: Settings) -> int:
    """Run the operator until SIGTERM or SIGINT, or until a part of it fails. Returns the exit status."""
    # A container that was started again has the same pod's name, and is another process.
    process = f"{settings.pod or settings.name}_{secrets.token_hex(4)}"
    agent = user_agent(process)
    log.info(
        "queueconsumer-operator %s serves %s as %s; log level %s",
        VERSION,
        settings.serving,
        process,
        settings.log_level,
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Each is made further below than the first that calls it back.
    api: KubernetesApi
    reconciler: Reconciler
    async with contextlib.AsyncExitStack() as stack:
        # The Lease has a client and connections of its own: it is written to get the right to write.
        metrics, clock = Metrics(), SystemClock()
        metrics.shards.set(settings.serving.shard.count)
        for_leases = KubernetesApi(asked=metrics.asked_api)
        elector = None
        if settings.pod_namespace:
            elector = Elector(
                leases=Leases(api=for_leases, namespace=settings.pod_namespace, operator=settings.name),
                operator=settings.name,
                identity=process,
                shard=settings.serving.shard,
                timing=Timing(),
                settled=lambda: api.settled(),  # noqa: PLW0108 - its fence is the elector's
                on_change=metrics.leader.set,
            )
        remaining = unfenced if elector is None else elector.remaining
        api = KubernetesApi(remaining=remaining, asked=metrics.asked_api)
        for client in (api, for_leases):
            await log_in(client, agent=agent)
            stack.push_async_callback(client.close)
        serving = Serving(settings.serving, api=api)
        feeds = SecretFeeds(
            secret_data=SecretSource(secrets=Secrets(api=api)),
            settings=settings.reading,
            identity=settings.identity,
            session=await stack.enter_async_context(open_session()),
            asked=metrics.asked_broker,
        )
        metrics.watch_brokers(feeds.connections)
        stack.push_async_callback(feeds.close)
        kinds = Kinds(api=api)
        targets = TargetWatch(api=api, kinds=kinds, namespaces=settings.serving.namespaces)
        stack.push_async_callback(targets.close)
        rivals = Rivals(
            api=api,
            changed=lambda target: reconciler.contested(target),  # noqa: PLW0108 - it is made further below
            namespaces=settings.serving.namespaces,
        )
        page = live_page(settings, elector=elector, utcnow=clock.utcnow)
        reconciler = Reconciler(
            surroundings=Surroundings(
                feeds=feeds,
                scales=Scales(api=api, kinds=kinds),
                targets=targets,
                rivals=rivals,
                pods=PodLists(
                    api=api,
                    monotonic=clock.monotonic,
                    utcnow=clock.utcnow,
                    count_error=lambda reason: metrics.api_errors.labels(resource="pods", reason=reason).inc(),
                ),
                costs=DeletionCosts(api=api),
                statuses=Statuses(api=api, at_once=asyncio.Semaphore(STATUSES_AT_ONCE)),
                finalizers=Finalizers(api=api),
                events=Events(
                    api=api,
                    at_once=asyncio.Semaphore(EVENTS_AT_ONCE),
                    identity=settings.identity,
                    monotonic=clock.monotonic,
                    count_dropped=metrics.events_dropped.inc,
                ),
                metrics=metrics,
                clock=clock,
                settings=settings.status,
                onlooker=page.board if page is not None else Nobody(),
            ),
            serves=serving.serves,
            finishes=serving.finishes,
        )
        stack.callback(reconciler.follow)
        serving.changed = reconciler.align
        inventory = Inventory(api=api, namespaces=settings.serving.namespaces)
        metrics.unserved_namespaces.set_function(lambda: len(inventory.unlisted))
        census = Census(lister=inventory, known=reconciler)
        runner = await health.serve(
            port=settings.port,
            metrics=metrics,
            ready=lambda: _not_ready(census=census, serving=serving, stopping=stop.is_set()),
            remarks=lambda: (inventory.remark, elector.problem if elector is not None else None),
            alive=lambda: reconciler.stalled() or feeds.stalled(now=clock.monotonic()) or census.problem,
        )
        stack.push_async_callback(runner.cleanup)
        if page is not None:
            stack.push_async_callback(page.close)
            await show(page, port=settings.page_port)
        watch = Watch(
            api=api,
            namespaces=settings.serving.namespaces,
            agent=agent,
            seen=reconciler.seen,
            gone=lambda key, uid: reconciler.gone(key, uid=uid),
            begun=census.soon,
        )
        parts = [
            keep_logged_in(api, agent=agent),
            keep_logged_in(for_leases, agent=agent),
            watch.run(),
            census.run(),
            serving.run(),
            rivals.run(),
            watch_loop(metrics.loop_lag),
        ]
        if elector is None:
            log.info("POD_NAMESPACE is not set, so there is no Lease, and no other process is expected")
            metrics.leader.set(1)
        return await live(
            parts,
            elector=elector,
            known=(census.complete.wait, serving.settled),
            reconciler=reconciler,
            stop=stop,
        )


def _not_ready(*, census: Census, serving: Serving, stopping: bool) -> str | None:
    """Why not all objects are known, or None. Who stands by is as ready as who leads."""
    if stopping:
        return "stopping"
    if serving.problem is not None:
        return serving.problem
    return None if census.complete.is_set() else "not all QueueConsumers are known yet"
