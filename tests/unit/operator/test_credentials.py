"""A Secret in Service Binding form becomes an endpoint and a login, or an error that names the key."""

from base64 import b64encode

import pytest

from qc_operator.brokers.credentials import Credentials, SecretError, from_secret

SINGLE = {"host": "rabbit", "port": "5673", "username": "shop", "password": "s3cret"}


def read(values: dict[str, str], *, vhost: str | None = None) -> Credentials:
    encoded = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    return from_secret(data=encoded, secret="shop/rabbitmq", vhost=vhost)


def test_single_keys() -> None:
    login = read(SINGLE | {"vhost": "shop"})

    assert ("rabbit", 5673, "shop", "s3cret", "shop") == (
        login.host,
        login.port,
        login.username,
        login.password,
        login.vhost,
    )
    assert ("http://rabbit:15672", False) == (login.management_uri, login.management_given)


def test_the_specs_vhost_overrides_the_secrets_and_slash_is_the_default() -> None:
    assert "other" == read(SINGLE | {"vhost": "shop"}, vhost="other").vhost
    assert "/" == read(SINGLE).vhost


def test_a_connection_string_alone_is_enough_and_is_percent_decoded() -> None:
    login = read({"connection_string": "amqp://sh%2Fop:p%40ss%3A@rabbit:5673/v%2Fh"})

    assert ("rabbit", 5673, "sh/op", "p@ss:", "v/h") == (
        login.host,
        login.port,
        login.username,
        login.password,
        login.vhost,
    )


def test_single_keys_win_over_a_connection_string_that_was_not_encoded() -> None:
    password = "p@ss:/w#?rd"
    login = read(SINGLE | {"password": password, "connection_string": f"amqp://shop:{password}@rabbit:5673/"})

    assert password == login.password


def test_beside_a_host_the_connection_string_is_not_looked_at() -> None:
    # Unencoded, this password would end at its first slash, and the rest would pass for a vhost.
    unencoded = "amqp://shop:/Zx9secret@rabbit:5672/"

    assert "/" == read(SINGLE | {"connection_string": unencoded}).vhost


def test_a_key_that_is_not_used_may_hold_anything() -> None:
    data = {key: b64encode(value.encode()).decode() for key, value in SINGLE.items()}

    assert "rabbit" == from_secret(data=data | {"truststore.p12": "/////w=="}, secret="a/b", vhost=None).host


def test_a_trailing_newline_is_not_part_of_a_value() -> None:
    assert "s3cret" == read(SINGLE | {"password": "s3cret\n"}).password


def test_an_ipv6_host_is_written_with_brackets() -> None:
    login = read(SINGLE | {"host": "fd00::1"})

    assert ("[fd00::1]:5673", "http://[fd00::1]:15672") == (login.endpoint, login.management_uri)


def test_a_given_management_uri_is_used_without_its_slash() -> None:
    login = read(SINGLE | {"management_uri": "http://rabbit:8080/api-root/"})

    assert ("http://rabbit:8080/api-root", True) == (login.management_uri, login.management_given)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({}, "key host is missing", id="empty"),
        pytest.param({"host": "rabbit", "username": "u"}, "key password is missing", id="no password"),
        pytest.param(SINGLE | {"port": "amqp"}, "key port must be a TCP port", id="port in words"),
        pytest.param(SINGLE | {"port": "5671"}, "key port 5671 is that of TLS", id="TLS port"),
        pytest.param(SINGLE | {"port": "70000"}, "key port must be a TCP port", id="port too high"),
        pytest.param(
            {"connection_string": "https://u:p@h"}, "key connection_string must start with amqp://", id="https"
        ),
        pytest.param(
            {"connection_string": "amqp://u:s3cr/et@h:5672/"}, "key connection_string cannot be", id="unencoded"
        ),
        pytest.param({"connection_string": "amqps://u:p@h"}, "asks for TLS", id="amqps"),
        pytest.param(SINGLE | {"ca.crt": "-----BEGIN"}, "key ca.crt asks for TLS", id="private CA"),
        pytest.param(SINGLE | {"management_uri": "http://u:s3cret@h"}, "without credentials", id="login in URI"),
    ],
)
def test_a_bad_secret_is_refused_by_key_and_without_its_values(values: dict[str, str], words: str) -> None:
    with pytest.raises(SecretError) as refused:
        read(values)

    assert words in str(refused.value)
    assert str(refused.value).startswith("Secret shop/rabbitmq: ")
    assert "s3cr" not in str(refused.value)


def test_a_value_that_is_no_text_is_refused_by_key() -> None:
    with pytest.raises(SecretError, match="key password is not UTF-8 text"):
        from_secret(data={"password": b64encode(b"\xff").decode()}, secret="shop/rabbitmq", vhost=None)


def test_the_password_is_not_in_the_representation() -> None:
    assert "s3cret" not in repr(read(SINGLE))
