"""Kubernetes events, one per transition, in the form of events.k8s.io/v1."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime

from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.registry import Known
from qc_operator.resource import GROUP, VERSION

CONTROLLER = "queueconsumer.dev/operator"
NOTE_MOST = 1024
"""Bytes of an event's note that the API server takes."""

INSTANCE_MOST = 128
"""Characters of reportingInstance that the API server takes."""

log = logging.getLogger(__name__)


class Events:
    """Posts events about QueueConsumers."""

    def __init__(self, *, api: KubernetesApi, identity: str) -> None:
        self._api = api
        self._instance = identity.replace("/", ".")[:INSTANCE_MOST]

    async def post(self, *, about: Known, warning: bool, reason: str, action: str, note: str, at: datetime) -> None:
        """Post one event. A failure is logged and forgotten: an event must never hold up scaling."""
        try:
            await self._api.post(
                f"/apis/events.k8s.io/v1/namespaces/{about.key.namespace}/events",
                {
                    "apiVersion": "events.k8s.io/v1",
                    "kind": "Event",
                    "metadata": {
                        "namespace": about.key.namespace,
                        "name": f"{about.key.name[:200]}.{secrets.token_hex(8)}",
                    },
                    "eventTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                    "reportingController": CONTROLLER,
                    "reportingInstance": self._instance,
                    "type": "Warning" if warning else "Normal",
                    "reason": reason,
                    "action": action,
                    "note": note.encode()[:NOTE_MOST].decode(errors="ignore"),
                    "regarding": {
                        "apiVersion": f"{GROUP}/{VERSION}",
                        "kind": "QueueConsumer",
                        "namespace": about.key.namespace,
                        "name": about.key.name,
                        "uid": about.uid,
                    },
                },
            )
        except ApiError as error:
            log.warning("%s: event %s was not posted: %s", about.key, reason, error)
