from pathlib import Path

import pika
import pytest

from examples.shop.services import topology
from tests.adapters.shop.binding import mount
from tests.rabbitmq_vhost import Vhost


def test_an_order_reaches_both_queues_however_often_they_are_declared(vhost: Vhost, tmp_path: Path) -> None:
    mount(vhost, tmp_path)
    for _ in range(2):
        topology.declare(topology.bound_parameters(str(tmp_path)))
    vhost.publish(topology.ROUTING_KEY, [b"{}"], exchange=topology.EXCHANGE)

    assert [vhost.ready(queue) for queue in topology.QUEUES] == [1, 1]


def test_a_queue_that_is_there_with_other_properties_is_an_error(vhost: Vhost, tmp_path: Path) -> None:
    mount(vhost, tmp_path)
    vhost.declare("receipts", x_max_length=5)

    with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="PRECONDITION_FAILED"):
        topology.declare(topology.bound_parameters(str(tmp_path)))


def test_without_a_binding_it_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="mount the Secret there"):
        topology.bound_parameters(str(tmp_path))
