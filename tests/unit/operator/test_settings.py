"""Settings of the process come from its environment, or it does not start."""

import pytest

from qc_operator.settings import SettingsError, from_environment


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = from_environment({})

    assert (8080, "INFO", "queueconsumer-operator") == (settings.port, settings.log_level, settings.identity)


def test_the_pod_says_who_it_is() -> None:
    assert "ns/pod" == from_environment({"POD_NAMESPACE": "ns", "POD_NAME": "pod"}).identity


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QC_LOG_LEVEL", "chatty"),
        ("QC_PORT", "http"),
        ("QC_PORT", "0"),
        ("QC_PAGE_PORT", "web"),
        ("QC_PAGE_PORT", "65536"),
        ("QC_PAGE_PORT", "8080"),
        ("QC_PAGE_HOSTS", "queues.example.com:8081"),
        ("QC_PAGE_HOSTS", "*.example.com"),
        ("QC_PAGE_HOSTS", "https://queues.example.com"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        from_environment({name: value})


@pytest.mark.parametrize(("value", "port"), [("", 0), ("0", 0), ("8081", 8081)])
def test_the_page_has_a_port_of_its_own_or_none(value: str, port: int) -> None:
    assert port == from_environment({"QC_PAGE_PORT": value}).page_port


def test_names_of_the_page_come_as_a_list_in_small_letters() -> None:
    assert ("queues.example.com", "api") == from_environment({"QC_PAGE_HOSTS": "Queues.example.com, api,"}).page_hosts
    assert () == from_environment({}).page_hosts


def test_namespaces_come_as_a_list_and_each_counts_once() -> None:
    settings = from_environment({"QC_NAMESPACES": "shop, bank,,shop"})

    assert ("shop", "bank") == settings.serving.namespaces


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "shard 1/1 of all namespaces"),
        ({"QC_NAMESPACES": "shop,bank", "QC_SHARD": "2/3"}, "shard 2/3 of namespaces shop, bank"),
        ({"QC_NAMESPACE_SELECTOR": "team in (a, b)"}, "shard 1/1 of namespaces with labels 'team in (a, b)'"),
    ],
)
def test_what_is_served_is_said_in_words(environment: dict[str, str], words: str) -> None:
    assert words == str(from_environment(environment).serving)


def test_a_shard_is_one_of_n() -> None:
    shard = from_environment({"QC_SHARD": "2/3"}).serving.shard

    assert (2, 3) == (shard.index, shard.count)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"QC_NAMESPACES": "Shop"}, "QC_NAMESPACES must be names of namespaces"),
        ({"QC_SHARD": "4/3"}, "QC_SHARD must be i/n"),
        ({"QC_NAMESPACES": "shop", "QC_NAMESPACE_SELECTOR": "team=shop"}, "exclude each other"),
    ],
)
def test_what_cannot_be_served_is_refused(environment: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        from_environment(environment)
