"""Where nothing happens nothing is written: counted by the API server itself."""

import asyncio
import re
from collections import Counter

import pytest

from tests.adapters.kubernetes.access import Access, deployments
from tests.adapters.kubernetes.queueconsumers import Operator, create, path

pytestmark = pytest.mark.usefixtures("crd")

MINUTE = 60
LINE = re.compile(r"apiserver_request_total\{(?P<labels>[^}]*)\} (?P<count>\d+)")


async def requests(admin: Access) -> Counter[str]:
    """What the API server was asked for so far: `VERB resource/subresource`."""
    text, _ = await admin.api.get_bytes("/metrics")
    counted: Counter[str] = Counter()
    for line in LINE.finditer(text.decode()):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line["labels"]))
        resource = "/".join(part for part in (labels["resource"], labels["subresource"]) if part)
        counted[f"{labels['verb']} {resource}"] += int(line["count"])
    return counted


async def pass_time(operator: Operator, namespace: str, seconds: int, ready: dict[str, int]) -> None:
    """Read each queue once a second, with the same number each time."""
    for _ in range(seconds):
        operator.clock.now += 1.0
        for name, messages in ready.items():
            operator.messages(namespace, messages, name=name)
        await asyncio.sleep(0.01)


async def start_pods(admin: Access, shop: str, name: str, *, number: int) -> None:
    """What a ReplicaSet's controller and five kubelets do."""
    pods = f"/api/v1/namespaces/{shop}/pods"
    for pod in (f"{name}-{index}" for index in range(number)):
        container = {"name": "consumer", "image": "queueconsumer/consumer:dev"}
        spec = {"containers": [container], "nodeName": "somewhere"}
        await admin.create(pods, {"metadata": {"name": pod, "labels": {"app": name}}, "spec": spec})
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        await admin.patch(f"{pods}/{pod}/status", {"status": {"phase": "Running", "conditions": [ready]}})
    counts = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas"), number)
    await admin.patch(f"{deployments(shop)}/{name}/status", {"status": counts})


async def test_at_zero_scaled_and_observing(admin: Access) -> None:
    shop = await admin.namespace("quiet")
    for name in ("zero", "scaled", "observed"):
        await admin.deployment(shop, name, replicas=0)
    await create(admin, shop, "zero")
    await create(admin, shop, "scaled")
    await create(admin, shop, "observed", mode="Observe")
    ready = {"zero": 0, "scaled": 95, "observed": 95}
    async with Operator(admin) as operator:
        for name in ready:
            await operator.see(shop, name)
        await pass_time(operator, shop, 5, ready)
        await start_pods(admin, shop, "scaled", number=5)
        await pass_time(operator, shop, 2 * MINUTE, ready)
        before, asked = await requests(admin), len(admin.requests)
        await pass_time(operator, shop, 10 * MINUTE, ready)
        # Whether KEDA has been installed meanwhile is looked up about once a minute.
        sent = [request for request in admin.requests[asked:] if "keda.sh" not in request]
        written = await requests(admin) - before
        shown = {name: (await admin.api.get(path(shop, name)))["status"] for name in ready}

    # The API server renews a Lease of its own.
    verbs = {what.split()[0] for what in written if what != "PUT leases"}
    assert ([], {"GET"}) == (sent, verbs - {"LIST", "WATCH"})
    assert (0, 5, 5) == tuple(shown[name]["desiredReplicas"] for name in ready)
    assert (0, 5, 0) == tuple(shown[name]["currentReplicas"] for name in ready)
