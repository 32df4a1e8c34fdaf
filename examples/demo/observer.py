"""Looks at the cluster and the shop, once per frame."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

from .failure import DemoError
from .observation import READY, UNACKED, Observation, queue_counts, with_status
from .operator_metrics import OperatorMetrics
from .replica_history import ReplicaHistory
from .service_proxy import ServiceProxy, UnreachableError

PATIENCE_SECONDS = 30.0
"""Two busy cores may leave a request unanswered now and then; for longer than this, something is broken."""


class Observer:
    """Reads everything through the API server; a look that fails is the last one again, for a while."""

    def __init__(
        self,
        api: client.ApiClient,
        *,
        namespace: str,
        operator_namespace: str,
        operator_lease: str,
        history: ReplicaHistory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._namespace = namespace
        self._history = history
        self._clock = clock
        self._objects = client.CustomObjectsApi(api)
        self._metrics = OperatorMetrics(api, namespace=operator_namespace, lease=operator_lease)
        self.orders = ServiceProxy(api, namespace=namespace, service="orders")
        self.mail = ServiceProxy(api, namespace=namespace, service="mail")
        self.invoices = ServiceProxy(api, namespace=namespace, service="invoice-store")
        self._last = Observation()
        self._last_success = clock()

    def look(self) -> Observation:
        """One look; raises DemoError when nothing could be read for PATIENCE_SECONDS."""
        try:
            self._last = self._read()
            self._last_success = self._clock()
        except (UnreachableError, client.ApiException, HTTPError) as error:
            if self._clock() - self._last_success > PATIENCE_SECONDS:
                raise DemoError(f"nothing could be read for {PATIENCE_SECONDS:.0f} s: {error}") from error
        return replace(self._last, consumers=tuple(self._with_replicas(c) for c in self._last.consumers))

    def _read(self) -> Observation:
        exposition = self._metrics.text()
        ready = queue_counts(exposition, metric=READY, namespace=self._namespace)
        unacked = queue_counts(exposition, metric=UNACKED, namespace=self._namespace)
        objects = self._queue_consumers()
        orders = self.orders.get("/stats")
        return Observation(
            consumers=tuple(
                with_status(
                    replace(consumers, ready=ready.get(consumers.name), unacked=unacked.get(consumers.name)),
                    objects[consumers.name],
                )
                for consumers in Observation().consumers
                if consumers.name in objects
            ),
            placed=orders["placed"] - orders["failed"],
            confirmed=orders["confirmed"],
            receipts=self.mail.get("/stats")["orders"],
            invoices=self.invoices.get("/stats")["orders"],
        )

    def _queue_consumers(self) -> dict[str, dict[str, Any]]:
        listed: Any = self._objects.list_namespaced_custom_object(
            "queueconsumer.dev", "v1alpha1", self._namespace, "queueconsumers"
        )
        return {item["metadata"]["name"]: item for item in listed["items"]}

    def _with_replicas(self, consumers: Any) -> Any:
        wanted, running = self._history.wanted(consumers.name), self._history.running(consumers.name)
        return replace(
            consumers,
            wanted=wanted[-1].value if wanted else 0,
            running=running[-1].value if running else 0,
        )
