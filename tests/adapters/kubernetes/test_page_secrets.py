"""No secret is ever on the live page: of an operator that reads a broker, is refused by it, and is told nonsense."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import pytest

from tests.adapters.kubernetes.access import Access
from tests.adapters.kubernetes.queueconsumers import condition, manifest, path
from tests.adapters.kubernetes.test_process import RIGHTS, process
from tests.e2e.hpa.control_plane import ControlPlane
from tests.rabbitmq_vhost import Vhost

pytestmark = pytest.mark.usefixtures("crd")

PLANTED: Final = "hunter2-tr0ub4dor"
"""Put wherever a secret may be by right, or by somebody's mistake."""


async def planted(admin: Access, namespace: str, name: str, **data: str) -> None:
    """A QueueConsumer with a Secret of its own, a Deployment, and annotations that are nobody's business."""
    await admin.create(f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": name}, "stringData": data})
    await admin.deployment(namespace, name)
    body = manifest(name, broker={"secretName": name})
    body["metadata"] |= {"annotations": {"note": PLANTED, "kubectl.kubernetes.io/last-applied-configuration": PLANTED}}
    await admin.create(path(namespace, "").rstrip("/"), body)


async def until_told(admin: Access, namespace: str, wanted: dict[str, str]) -> None:
    """Wait until each is Ready, or not, for this reason."""
    told: dict[str, str] = {}
    try:
        async with asyncio.timeout(60):
            while told != wanted:
                found = {name: condition(await admin.api.get(path(namespace, name)), "Ready") for name in wanted}
                told = {name: str(ready.get("reason")) for name, ready in found.items()}
                await asyncio.sleep(0.1)
    except TimeoutError:
        assert wanted == told
        raise


async def everything(url: str, *, namespace: str, names: list[str]) -> dict[str, str]:
    """All that the page answers, by path, with headers; to somebody who has the password in what is asked."""
    paths = ["/", "/api/v1/operator", "/api/v1/queueconsumers", "/none", f"/api/v1/queueconsumers/{PLANTED}/{PLANTED}"]
    paths += [f"/api/v1/queueconsumers/{namespace}/{name}" for name in names]
    told = {}
    headers = {"Authorization": f"Bearer {PLANTED}", "Last-Event-ID": PLANTED, "X-Note": PLANTED}
    async with aiohttp.ClientSession(url, headers=headers) as http:
        for each in paths:
            async with http.get(each, params={"after": PLANTED}) as answer:
                told[each] = f"{answer.headers} {await answer.text()}"
        async with http.get("/api/v1/stream") as answer:
            told["events"] = f"{answer.headers}"
            while told["events"].count("event: ") < 2:
                told["events"] += (await answer.content.readline()).decode()
            told["events"] += (await answer.content.readline()).decode()
    return told


def forms(word: str, *, username: str) -> list[str]:
    """A word as it is, as it is written into JSON and URLs, in a Secret, and in a login over HTTP."""
    coded = [base64.b64encode(each.encode()).decode() for each in (word, f"{username}:{word}")]
    return [word, json.dumps(word)[1:-1], quote(word, safe=""), *coded]


async def test_no_path_and_no_event_has_a_secret_in_it(
    plane: ControlPlane, admin: Access, vhost: Vhost, tmp_path: Path
) -> None:
    namespace = await admin.namespace("page-secrets")
    await admin.grant("operator", "page-secrets", *RIGHTS, namespace=namespace)
    queue = vhost.declare("read")
    vhost.publish(queue, [PLANTED.encode()])
    right: dict[str, Any] = {
        "host": vhost.host, "port": str(vhost.port), "vhost": vhost.vhost, "username": vhost.username,
        "password": vhost.password, "management_uri": vhost.management_uri,
    }  # fmt: skip
    await planted(admin, namespace, "read", **right, note=PLANTED)
    await planted(admin, namespace, "refused", **right | {"password": PLANTED})
    await planted(admin, namespace, "nonsense", **right | {"host": f"amqp://{vhost.username}:{PLANTED}@{vhost.host}"})
    odd = vhost.management_uri.replace("://", f"://{vhost.username}:{PLANTED}@")
    await planted(admin, namespace, "managed", **right | {"management_uri": odd})
    await planted(admin, namespace, "string", uri=f"amqp://{vhost.username}:{PLANTED}@[{vhost.host}/x@y")
    reasons = dict.fromkeys(("nonsense", "managed", "string"), "SecretInvalid")
    reasons |= {"read": "Scaling", "refused": "AuthenticationFailed"}
    names = list(reasons)
    with process(plane, tmp_path, QC_NAMESPACES=namespace) as running:
        await until_told(admin, namespace, reasons)
        url = f"http://127.0.0.1:{running.page_port}"
        shown = await everything(url, namespace=namespace, names=names)

    assert '"ready":1,' in shown[f"/api/v1/queueconsumers/{namespace}/read"]
    assert all(f'"name":"{name}"' in shown["events"] for name in names)
    secrets = [form for word in (PLANTED, vhost.password) for form in forms(word, username=vhost.username)]
    assert {} == {where: form for where, text in shown.items() for form in secrets if form in text}
