"""A process that writes without end while it leads: `python -m tests.e2e.leadership.writer SETTINGS`, as JSON.

It has the operator's elector, its fenced client, and nothing else of it. Two things are written, as fast as a busy
operator would: the scale of a Deployment, with the resourceVersion that was read, as the operator does, and a
ConfigMap without one, for which nothing but the right to write keeps two processes apart.
"""

import asyncio
import json
import logging
import signal
import ssl
import sys
from dataclasses import asdict, dataclass
from typing import Self

import aiohttp

from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.cluster.lease import Leases
from qc_operator.elector import Elector
from qc_operator.lease_record import Timing
from qc_operator.sharding import Shard

INSTALLATION = "queueconsumer-operator"
NAMESPACE = "default"
PAUSE = 0.02

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a process is told."""

    identity: str
    server: str
    authority: str
    """Path of a PEM file."""
    token: str
    shard: str = "1/1"

    @property
    def objects(self) -> str:
        """The name of its shard's Deployment and ConfigMap."""
        return "written-" + self.shard.replace("/", "-of-")

    def dump(self) -> str:
        """For the command line."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Self:
        """From the command line."""
        return cls(**json.loads(text))


async def scale(api: KubernetesApi, name: str) -> None:
    """Scale up and down for ever."""
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}/scale"
    version, replicas = "", 0
    while True:
        try:
            if not version:
                found = await api.get(path)
                # A write that changes nothing would leave no trace in etcd.
                version, replicas = found["metadata"]["resourceVersion"], found["spec"].get("replicas", 0)
            replicas = (replicas + 1) % 7
            body = {"metadata": {"resourceVersion": version}, "spec": {"replicas": replicas}}
            version = (await api.merge_patch(path, body))["metadata"]["resourceVersion"]
        except ApiError as error:
            version = ""
            if error.reason == "NotLeading":
                log.info("held back")
        await asyncio.sleep(PAUSE)


async def count(api: KubernetesApi, name: str, identity: str) -> None:
    """Count in a ConfigMap for ever."""
    number = 0
    while True:
        number += 1
        try:
            await api.merge_patch(
                f"/api/v1/namespaces/{NAMESPACE}/configmaps/{name}", {"data": {identity: str(number)}}
            )
        except ApiError as error:
            if error.reason == "NotLeading":
                log.info("held back")
        await asyncio.sleep(PAUSE)


async def main(settings: Settings) -> None:
    """Elect and write until SIGTERM."""
    tls = ssl.create_default_context(cafile=settings.authority)
    # The audit log tells processes apart by their user agents.
    headers = {"Authorization": f"Bearer {settings.token}", "User-Agent": settings.identity}
    async with (
        aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(ssl=tls)) as for_leases,
        aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(ssl=tls)) as for_writes,
    ):
        lease_api = KubernetesApi()
        lease_api.bind(session=for_leases, server=settings.server)
        api = KubernetesApi(remaining=lambda: elector.remaining())  # noqa: PLW0108 - which is made with the API
        api.bind(session=for_writes, server=settings.server)
        elector = Elector(
            leases=Leases(api=lease_api, namespace=NAMESPACE, operator=INSTALLATION),
            operator=INSTALLATION,
            identity=settings.identity,
            shard=Shard.parse(settings.shard),
            timing=Timing(),
            settled=api.settled,
        )
        tasks: list[asyncio.Task[None]] = []

        def lead() -> None:
            writes = scale(api, settings.objects), count(api, settings.objects, settings.identity)
            tasks.extend(asyncio.create_task(write) for write in writes)

        def follow() -> None:
            while tasks:
                tasks.pop().cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, elector.stop)
        await elector.run(on_lead=lead, on_follow=follow)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(main(Settings.load(sys.argv[1])))
