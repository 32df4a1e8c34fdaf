"""Which pod a channel of the broker belongs to."""

import pytest

from qc_operator.scaling.holdings import Holding, held, named_after, told_by_hosts

PODS = {"web-7d9f-abcde": ("10.0.0.1",), "web-7d9f-fghij": ("10.0.0.2", "fd00::2")}


def channel(*, host: str = "192.0.2.1", unacknowledged: int = 1, names: tuple[str, ...] = ()) -> Holding:
    return Holding(unacknowledged=unacknowledged, host=host, names=names)


def test_a_channel_belongs_to_the_pod_whose_address_it_comes_from() -> None:
    assert {"web-7d9f-fghij": 3} == held(pods=PODS, holdings=[channel(host="10.0.0.2", unacknowledged=3)])


@pytest.mark.parametrize("host", ["fd00::2", "FD00:0:0::2", "::ffff:10.0.0.2"])
def test_an_address_is_the_same_in_each_of_its_spellings(host: str) -> None:
    assert {"web-7d9f-fghij": 1} == held(pods=PODS, holdings=[channel(host=host)])


def test_the_channels_of_a_pod_are_added_up() -> None:
    channels = [channel(host="10.0.0.1", unacknowledged=2), channel(names=("web-7d9f-abcde",), unacknowledged=5)]

    assert {"web-7d9f-abcde": 7} == held(pods=PODS, holdings=channels)


def test_channels_of_nobody_we_know_and_those_that_hold_nothing_are_left_out() -> None:
    channels = [channel(names=("ledger-5c-xyz",)), channel(host="10.0.0.1", unacknowledged=0), channel(host="")]

    assert {} == held(pods=PODS, holdings=channels)


def test_an_address_that_several_pods_share_names_none_of_them() -> None:
    pods = {"web-a": ("10.9.0.1",), "web-b": ("10.9.0.1",)}

    assert {"web-b": 1} == held(
        pods=pods, holdings=[channel(host="10.9.0.1"), channel(host="10.9.0.1", names=("web-b",))]
    )


@pytest.mark.parametrize(
    "name",
    [
        "web-7d9f-abcde",
        "shop/web-7d9f-abcde",
        "local/web-7d9f-abcde-17",
        "web-7d9f-abcde#1",
        "web-7d9f-abcde.worker.2",
        "shop/web-7d9f-abcde/orders",
    ],
)
def test_a_client_may_be_named_after_its_pod_in_several_ways(name: str) -> None:
    assert "web-7d9f-abcde" == named_after(name, PODS)


@pytest.mark.parametrize("name", ["", "/", "amq.ctag-web-7d9f-abcde", "web-7d9f-abcdef", "web-7d9f", "ctag1.8a2f"])
def test_other_names_are_of_no_pod(name: str) -> None:
    assert named_after(name, PODS) is None


def test_the_longest_name_that_fits_is_meant() -> None:
    assert "web-1-a" == named_after("web-1-a-7", {"web-1", "web-1-a"})


def test_seeing_one_pods_address_is_enough_to_do_without_names() -> None:
    assert told_by_hosts(pods=PODS, hosts=["192.0.2.1", "10.0.0.1"])
    assert not told_by_hosts(pods=PODS, hosts=["127.0.0.6", "192.0.2.1"])
    assert not told_by_hosts(pods={"web-a": ("10.9.0.1",), "web-b": ("10.9.0.1",)}, hosts=["10.9.0.1"])
