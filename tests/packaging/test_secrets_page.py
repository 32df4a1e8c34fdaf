"""docs/secrets.md names every key that is read, and its examples are Secrets that the operator takes."""

import re
from base64 import b64encode

import pytest
import yaml

from qc_operator.brokers import tls
from qc_operator.brokers.binding import KEYS, from_secret
from qc_operator.brokers.credentials import Credentials
from tests.certificates import Authority
from tests.packaging.documents import DOCS, Block, blocks, table

PAGE = DOCS / "secrets.md"
EXAMPLES = [block for block in blocks(PAGE) if block.language == "yaml"]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def read(block: Block) -> Credentials:
    """Read an example, with certificates in place of the dots."""
    values = yaml.safe_load(block.text)["stringData"]
    authority = Authority()
    client = authority.client("queueconsumer")
    pem = {"ca.crt": authority.certificate, "tls.crt": client.certificate, "tls.key": client.key}
    values |= {key: text for key, text in pem.items() if key in values}
    data = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    return from_secret(data=data, secret="shop/shop-rabbitmq", vhost=None)


def test_the_table_has_exactly_the_keys_that_are_read() -> None:
    explained = [key for row in table(PAGE, "keys") for key in words(row[0])]

    assert sorted(KEYS) == sorted(explained)


@pytest.mark.parametrize(
    ("number", "mechanism", "endpoint", "management"),
    [
        (0, "PLAIN", "rabbitmq.shop.svc:5672", "http://rabbitmq.shop.svc:15672"),
        (
            1,
            "PLAIN",
            "rabbitmq-0.rabbitmq-nodes.shop.svc:5671, rabbitmq-1.rabbitmq-nodes.shop.svc:5671",
            "https://rabbitmq-0.rabbitmq-nodes.shop.svc:15671",
        ),
        (2, "EXTERNAL", "rabbitmq.shop.svc:5671", "https://rabbitmq.shop.svc:15671"),
        (3, "OAUTH2", "rabbitmq.shop.svc:5671", "https://rabbitmq.shop.svc:15671"),
    ],
)
def test_each_example_is_taken(number: int, mechanism: str, endpoint: str, management: str) -> None:
    assert 4 == len(EXAMPLES)
    credentials = read(EXAMPLES[number])

    assert (mechanism, endpoint) == (credentials.mechanism, credentials.endpoint)
    assert management == credentials.management.uri
    assert (number > 0) == (credentials.tls is not None)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_each_example_is_a_binding_that_pods_find_too(example: Block) -> None:
    assert "rabbitmq" == yaml.safe_load(example.text)["stringData"]["type"]


def test_the_sentences_about_tls_are_those_of_the_operator() -> None:
    said = {*tls.CHAIN.values(), *tls.HANDSHAKE.values(), tls.OTHER_NAME.format(name="HOST")}

    assert {words(row[0])[0] for row in table(PAGE, "tls problems")} <= said
