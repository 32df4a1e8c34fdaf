"""Who gives a broker's user its rights and takes them."""

import asyncio
import urllib.parse

from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost


class Administrator:
    """Acts on the user of one vhost."""

    def __init__(self, *, node: RabbitMQNode, vhost: Vhost) -> None:
        self._node = node
        self._vhost = vhost
        self._path = urllib.parse.quote(vhost.vhost, safe="")

    async def forbid(self) -> None:
        await self._call("DELETE", f"/api/permissions/{self._path}/{self._vhost.username}")

    async def permit(self, *, configure: str = "", write: str = "", read: str = "") -> None:
        patterns = {"configure": configure, "write": write, "read": read}
        await self._call("PUT", f"/api/permissions/{self._path}/{self._vhost.username}", patterns)

    async def set_password(self, password: str) -> None:
        await self._call("PUT", f"/api/users/{self._vhost.username}", {"password": password, "tags": "management"})

    async def delete_user(self) -> None:
        await self._call("DELETE", f"/api/users/{self._vhost.username}")

    async def delete_vhost(self) -> None:
        await self._call("DELETE", f"/api/vhosts/{self._path}")

    async def create_vhost(self) -> None:
        await self._call("PUT", f"/api/vhosts/{self._path}", {})

    async def cut_connections(self) -> None:
        await asyncio.to_thread(self._vhost.cut_connections)

    async def _call(self, method: str, path: str, body: object = None) -> None:
        await asyncio.to_thread(self._node.api, method, path, body)
