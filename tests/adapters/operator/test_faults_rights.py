"""Rights, users, passwords and vhosts that are taken away and given back."""

import asyncio

import pytest

from qc_operator.scaling.observation import Depth, Totals
from tests.adapters.operator.administrator import Administrator
from tests.adapters.operator.conftest import Bench, SecretStore, filled
from tests.adapters.operator.keeper import Keeper
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost

ASKS_FOR_A_PERMISSION = (4, 2, 6)
"""The first release in which a passive declare needs a permission on the queue itself."""


@pytest.fixture
def administrator(any_rabbitmq: RabbitMQNode, any_vhost: Vhost) -> Administrator:
    return Administrator(node=any_rabbitmq, vhost=any_vhost)


@pytest.fixture
async def keeper(any_vhost: Vhost, reading: Bench) -> Keeper:
    return await reading.kept(any_vhost)


async def test_a_vhost_that_is_closed_to_the_user_is_told(keeper: Keeper, administrator: Administrator) -> None:
    await administrator.forbid()
    # An open connection may outlive the permission. A new one is not let in.
    await administrator.cut_connections()
    lost = await keeper.loses("AccessRefused")
    assert "grant a permission" in lost.message
    # 4.x hides the vhost from such a user: 404 where 3.10 says 401.
    refusals = {"ManagementRefused", "ManagementFailed"}
    await keeper.until(lambda seen: getattr(seen.totals, "cause", "") in refusals)

    await administrator.permit(read=".*")
    await keeper.heals(after="the permission was given back")

    assert keeper.held()


async def test_an_open_connection_outlives_the_permission_where_none_is_needed_on_the_queue(
    keeper: Keeper, administrator: Administrator, any_rabbitmq: RabbitMQNode
) -> None:
    await administrator.permit(read="^$")
    if any_rabbitmq.release.version < ASKS_FOR_A_PERMISSION:
        at = keeper.seen.depth.at
        await keeper.until(lambda seen: isinstance(seen.depth, Depth) and seen.depth.at > at + 2.0)
    else:
        lost = await keeper.loses("AccessRefused")
        assert "any of configure, write and read" in lost.message
        assert keeper.feed.problem is None
    await keeper.until(lambda seen: isinstance(seen.totals, Totals))
    await administrator.permit(write="^orders$")
    await keeper.heals(after="a permission on the queue")

    assert keeper.held()


async def test_a_deleted_user_is_refused(keeper: Keeper, administrator: Administrator, any_vhost: Vhost) -> None:
    await administrator.delete_user()
    lost = await keeper.loses("AuthenticationFailed")
    assert any_vhost.username in lost.message
    assert any_vhost.password not in lost.message

    await administrator.set_password(any_vhost.password)
    await administrator.permit(read=".*")
    await keeper.heals(after="the user was made anew")

    assert keeper.held()


async def test_a_new_password_is_used_once_the_secret_has_it(
    keeper: Keeper, administrator: Administrator, any_vhost: Vhost, secrets: SecretStore
) -> None:
    await administrator.set_password("rotated")
    # AMQP keeps the old login alive; the management API asks for the new one at once.
    await keeper.until(lambda seen: getattr(seen.totals, "cause", "") == "ManagementRefused")
    assert isinstance(keeper.seen.depth, Depth)
    await administrator.cut_connections()
    lost = await keeper.loses("AuthenticationFailed")
    assert any_vhost.password not in lost.message

    secrets.put(any_vhost, password="rotated")
    await keeper.heals(after="the Secret has the new password")

    assert keeper.held()


async def test_a_secret_that_gets_a_wrong_password_is_told_and_mended(
    keeper: Keeper, any_vhost: Vhost, secrets: SecretStore
) -> None:
    secrets.put(any_vhost, password="not-the-password")
    lost = await keeper.loses("AuthenticationFailed")
    assert "not-the-password" not in lost.message

    secrets.put(any_vhost)
    await keeper.heals(after="the Secret was mended")

    assert keeper.held()


async def test_a_deleted_vhost_is_told_and_read_once_it_is_there_again(
    keeper: Keeper, administrator: Administrator, any_vhost: Vhost
) -> None:
    await administrator.delete_vhost()
    lost = await keeper.loses("VhostNotFound")
    assert any_vhost.vhost in lost.message
    await keeper.until(lambda seen: not isinstance(seen.totals, Totals))
    assert keeper.held()

    await administrator.create_vhost()
    await administrator.permit(configure=".*", write=".*", read=".*")
    await asyncio.to_thread(filled, any_vhost)
    await keeper.heals(after="the vhost and its queue were made anew")

    assert keeper.held()
