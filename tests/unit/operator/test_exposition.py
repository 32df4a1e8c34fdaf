"""A scrape of /metrics: the format that is asked for, compressed or not, in pieces, and right for who reads it."""

from __future__ import annotations

import gzip

import pytest
from prometheus_client.parser import text_string_to_metric_families as plain

from qc_operator.exposition import packed, scraped, wants_gzip, wants_openmetrics
from qc_operator.metrics import Metrics
from qc_operator.registry import Key
from tests.openmetrics_text import openmetrics
from tests.unit.operator.conftest import spec

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;"
    "q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (PROMETHEUS_2, True),
        (PROMETHEUS_3, True),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", True),
        ("application/openmetrics-text; version=2.0.0", False),
        ("application/openmetrics-text; version=0.0.1", False),
        ("application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.9", False),
        ("application/openmetrics-text;version=1.0.0;q=0", False),
        ("application/openmetrics-text;q=nonsense", False),
        ("text/plain;version=0.0.4", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_openmetrics_is_for_who_prefers_it(accept: str, *, wanted: bool) -> None:
    assert wanted == wants_openmetrics(accept)


@pytest.mark.parametrize(
    ("accept_encoding", "wanted"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip;q=1.0, identity;q=0.5, *;q=0", True),
        ("gzip;q=0", False),
        ("identity, gzip; q=0", False),
        ("gzip;q=0.000, deflate", False),
        ("gzip;q=0.1, identity", False),
        ("gzip;q=nonsense", False),
        ("x-not-gzip", False),
        ("identity", False),
        ("", False),
    ],
)
def test_it_is_compressed_for_who_does_not_refuse_it(accept_encoding: str, *, wanted: bool) -> None:
    assert wanted == wants_gzip(accept_encoding)


@pytest.fixture
def metrics() -> Metrics:
    metrics = Metrics()
    for name in ("receipts", "invoices"):
        metrics.of(Key("shop", name)).specified(spec(maxReplicas=7))
    metrics.asked_api("patch", "deployments/scale", "200", 0.004)
    metrics.asked_broker("declare", 0.002, good=True)
    return metrics


async def read(metrics: Metrics, *, om: bool = False, zipped: bool = False, names: tuple[str, ...] = ()) -> str:
    pieces = scraped(objects=metrics.objects, process=metrics.process, openmetrics=om, names=names)
    body = b"".join([piece async for piece in packed(pieces, gzip=zipped)])
    return (gzip.decompress(body) if zipped else body).decode()


@pytest.mark.parametrize("om", [False, True], ids=["text", "openmetrics"])
@pytest.mark.parametrize("zipped", [False, True], ids=["as it is", "gzip"])
async def test_both_formats_have_the_same_numbers_of_objects_and_process(
    metrics: Metrics, *, om: bool, zipped: bool
) -> None:
    text = await read(metrics, om=om, zipped=zipped)

    families = {family.name: family for family in (openmetrics(text) if om else plain(text))}
    assert [7.0, 7.0] == [sample.value for sample in families["queueconsumer_spec_max_replicas"].samples]
    (requests,) = families["queueconsumer_operator_api_requests"].samples
    assert ({"verb": "patch", "resource": "deployments/scale", "code": "200"}, 1.0) == (requests.labels, requests.value)
    assert text.endswith("# EOF\n") == om
    assert not [name for name in families if name.endswith("_created")]


async def test_a_name_is_asked_for_among_those_of_objects_and_of_the_process(metrics: Metrics) -> None:
    names = ("queueconsumer_spec_max_replicas", "queueconsumer_operator_leader")

    assert {*names} == {family.name for family in plain(await read(metrics, names=names))}


async def test_what_is_sent_at_once_is_worth_it(metrics: Metrics) -> None:
    for each in range(2000):
        metrics.of(Key("shop", f"receipts-{each}")).specified(spec())
    pieces = scraped(objects=metrics.objects, process=metrics.process, openmetrics=True)

    sizes = [len(piece) async for piece in packed(pieces, gzip=False)]

    assert all(65_536 <= size < 1_000_000 for size in sizes[:-1])
    assert len(sizes) > 10
