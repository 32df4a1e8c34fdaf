"""Leases as a real API server keeps them: what guards a write, and what others have put there."""

import os
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest

from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.cluster.lease import Lease, Leases
from qc_operator.lease_record import Record
from tests.e2e.leadership.audited_plane import LEASES, AuditedPlane

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.environ.get("DEMO_CLUSTER") == "current", reason="runs programs of devcluster"),
]

NAME = "kept-by-the-api-server"
AT = datetime(2026, 11, 27, 12, 0, 0, 120, tzinfo=UTC)
RECORD = Record(holder="pod_1", seconds=8, acquired=AT, renewed=AT, transitions=3)


@pytest.fixture
async def api(plane: AuditedPlane) -> AsyncIterator[KubernetesApi]:
    tls = ssl.create_default_context(cadata=plane.authority.certificate)
    headers = {"Authorization": f"Bearer {plane.tokens['admin']}"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(ssl=tls)) as session:
        api = KubernetesApi(remaining=lambda: 4.0)
        api.bind(session=session, server=plane.url)
        yield api


@pytest.fixture
def leases(api: KubernetesApi) -> Leases:
    return Leases(api=api, namespace="default", operator="some-installation")


@pytest.fixture
async def lease(plane: AuditedPlane, leases: Leases) -> Lease:
    plane.call("DELETE", f"{LEASES}/{NAME}")
    return await leases.create(NAME, RECORD)


async def test_what_is_written_is_read_to_the_microsecond(leases: Leases, lease: Lease) -> None:
    assert (NAME, RECORD) == (lease.name, lease.sight.record)
    assert lease == await leases.get(NAME)
    assert [lease.sight] == [found.sight for found in await leases.all()]


@pytest.mark.usefixtures("lease")
async def test_it_is_not_found_by_another_installation(api: KubernetesApi) -> None:
    assert [] == await Leases(api=api, namespace="default", operator="another").all()


async def test_there_is_none(leases: Leases) -> None:
    with pytest.raises(ApiError) as raised:
        await leases.get("missing")

    assert raised.value.not_found


async def test_one_that_exists_is_not_created(leases: Leases, lease: Lease) -> None:
    with pytest.raises(ApiError) as raised:
        await leases.create(lease.name, RECORD)

    assert raised.value.conflict


async def test_only_one_write_builds_on_what_was_read(leases: Leases, lease: Lease) -> None:
    await leases.update(lease, Record(holder="first", seconds=8))
    with pytest.raises(ApiError) as raised:
        await leases.update(lease, Record(holder="second", seconds=8))

    assert raised.value.conflict
    assert "first" == (await leases.get(NAME)).sight.record.holder


@pytest.mark.parametrize("created_again", [False, True])
async def test_one_that_was_deleted_is_not_brought_back_by_a_renewal(
    plane: AuditedPlane, leases: Leases, lease: Lease, *, created_again: bool
) -> None:
    plane.call("DELETE", f"{LEASES}/{NAME}")
    if created_again:
        await leases.create(NAME, Record(holder="another", seconds=8))
    with pytest.raises(ApiError) as raised:
        await leases.update(lease, RECORD)

    assert raised.value.conflict
    assert created_again == (plane.call("GET", f"{LEASES}/{NAME}") is not None)


async def test_given_back_it_has_no_holder(leases: Leases, lease: Lease) -> None:
    given = await leases.update(lease, Record(seconds=1, acquired=AT, renewed=AT, transitions=3))

    assert given.sight.record.released


async def test_what_others_have_put_there_stays(plane: AuditedPlane, leases: Leases, lease: Lease) -> None:
    document = plane.call("GET", f"{LEASES}/{lease.name}")
    document["metadata"]["annotations"] = {"example.org/owner": "platform"}
    document["metadata"]["labels"] = {"team": "shop"}
    plane.call("PUT", f"{LEASES}/{NAME}", document)
    written = await leases.update(await leases.get(NAME), RECORD)

    assert {"example.org/owner": "platform"} == written.metadata["annotations"]
    assert {"team": "shop", "queueconsumer.dev/operator": "some-installation"} == written.metadata["labels"]


async def test_one_without_any_field_can_be_read(plane: AuditedPlane, leases: Leases) -> None:
    plane.call("DELETE", f"{LEASES}/{NAME}")
    plane.call("POST", LEASES, {"metadata": {"name": NAME}})

    assert Record() == (await leases.get(NAME)).sight.record
