"""A Secret in Service Binding form becomes endpoints and a login, or an error that names the key."""

from base64 import b64encode
from typing import Any

import pytest

from qc_operator.brokers.binding import from_secret
from qc_operator.brokers.credentials import Credentials, SecretError

SINGLE = {"host": "rabbit", "port": "5673", "username": "shop", "password": "s3cret"}
TOKEN = {
    "host": "rabbit",
    "oauth2_token_uri": "https://issuer/token",
    "oauth2_client_id": "operator",
    "oauth2_client_secret": "s3cret",
}


def read(values: dict[str, str], *, vhost: str | None = None) -> Credentials:
    encoded = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    return from_secret(data=encoded, secret="shop/rabbitmq", vhost=vhost)


def test_single_keys() -> None:
    login = read(SINGLE | {"vhost": "shop"})

    assert (("rabbit", 5673),) == login.hosts
    assert ("PLAIN", "shop", "s3cret", "shop") == (login.mechanism, login.username, login.password, login.vhost)
    assert login.tls is None
    assert ("http://rabbit:15672", False) == (login.management.uri, login.management.given)
    assert ("shop", "s3cret") == (login.management.username, login.management.password)


def test_the_specs_vhost_overrides_the_secrets_and_slash_is_the_default() -> None:
    assert "other" == read(SINGLE | {"vhost": "shop"}, vhost="other").vhost
    assert "/" == read(SINGLE).vhost


@pytest.mark.parametrize("vhost", ["/", "a/b", "%2F", " ", "ä ö", "a?b#c@d:e"])
def test_any_vhost(vhost: str) -> None:
    assert vhost == read(SINGLE | {"vhost": vhost}).vhost
    assert vhost == read(SINGLE | {"virtual-host": vhost}).vhost


@pytest.mark.parametrize("awkward", [":/@%?#&+= ", " leading and trailing ", "ünïcödé", '"\\$`', "%41", "a\nb"])
def test_any_character_in_names_and_passwords(awkward: str) -> None:
    login = read(SINGLE | {"username": awkward, "password": awkward})

    assert (awkward, awkward) == (login.username, login.password)


@pytest.mark.parametrize("key", ["uri", "connection_string"])
def test_a_connection_string_alone_is_enough_and_is_percent_decoded(key: str) -> None:
    login = read({key: "amqp://sh%2Fop:p%40ss%3A+@rabbit:5673/v%2Fh"})

    assert ("rabbit:5673", "sh/op", "p@ss:+", "v/h") == (login.endpoint, login.username, login.password, login.vhost)


def test_single_keys_win_over_a_connection_string_that_was_not_encoded() -> None:
    password = "p@ss:/w#?rd"
    login = read(SINGLE | {"password": password, "connection_string": f"amqp://shop:{password}@rabbit:5673/"})

    assert password == login.password


def test_beside_a_host_the_connection_string_is_not_looked_at() -> None:
    # Unencoded, this password would end at its first slash, and the rest would pass for a vhost.
    unencoded = "amqp://shop:/Zx9secret@rabbit:5672/"

    assert "/" == read(SINGLE | {"connection_string": unencoded}).vhost


def test_parameters_of_a_connection_string_are_for_other_clients() -> None:
    assert "shop" == read({"uri": "amqp://u:p@rabbit/shop?heartbeat=10"}).vhost


def test_a_key_that_is_not_used_may_hold_anything() -> None:
    data = {key: b64encode(value.encode()).decode() for key, value in SINGLE.items()}

    assert "rabbit:5673" == from_secret(data=data | {"truststore.p12": "/////w=="}, secret="a/b", vhost=None).endpoint


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_a_trailing_newline_is_not_part_of_a_value(end: str) -> None:
    login = read({key: value + end for key, value in SINGLE.items()})

    assert ("rabbit:5673", "shop", "s3cret") == (login.endpoint, login.username, login.password)


@pytest.mark.parametrize(
    ("host", "endpoint"),
    [
        pytest.param("fd00::1", "[fd00::1]:5673", id="IPv6"),
        pytest.param("[fd00::1]", "[fd00::1]:5673", id="IPv6 in brackets"),
        pytest.param("[fd00::1]:5679", "[fd00::1]:5679", id="IPv6 with a port"),
        pytest.param("a, b:5679 ,fd00::2,[fd00::3]:1", "a:5673, b:5679, [fd00::2]:5673, [fd00::3]:1", id="several"),
        pytest.param("a,b,a", "a:5673, b:5673", id="one of them twice"),
        pytest.param("rabbit-0.my_nodes.svc.", "rabbit-0.my_nodes.svc.:5673", id="fully qualified"),
    ],
)
def test_hosts(host: str, endpoint: str) -> None:
    assert endpoint == read(SINGLE | {"host": host}).endpoint


def test_an_ipv6_host_of_a_connection_string() -> None:
    assert "[fd00::1]:5673" == read({"uri": "amqp://u:p@[fd00::1]:5673/"}).endpoint


@pytest.mark.parametrize("before", ["", " ", "\n", "\t \r\n"])
@pytest.mark.parametrize("string", ["amqps://u:p@rabbit/", "AMQPS://u:p@rabbit/", "am\tqps://u:p@rabbit/"])
def test_blanks_in_a_connection_string_do_not_turn_tls_off(before: str, string: str) -> None:
    alone = read({"connection_string": before + string})

    assert "rabbit:5671" == alone.endpoint
    assert alone.tls is not None
    assert read(SINGLE | {"connection_string": before + string}).tls is not None


@pytest.mark.parametrize("before", ["\ufeff", "\xa0"])
def test_a_mark_before_a_connection_string_does_not_turn_tls_off_either(before: str) -> None:
    assert read(SINGLE | {"connection_string": before + "amqps://u:p@rabbit/"}).tls is not None
    with pytest.raises(SecretError, match="key connection_string must start with amqp:// or amqps://"):
        read({"connection_string": before + "amqps://u:p@rabbit/"})


def test_a_name_in_another_script_is_a_host_name() -> None:
    assert "http://bücher:15672" == read(SINGLE | {"host": "bücher"}).management.uri
    assert "http://bücher:1" == read(SINGLE | {"metrics_uri": "http://bücher:1"}).metrics_uri


def test_the_management_api_is_looked_for_at_the_first_host() -> None:
    assert "http://[fd00::1]:15672" == read(SINGLE | {"host": "fd00::1,b"}).management.uri


def test_a_given_management_uri_is_used_without_its_slash() -> None:
    management = read(SINGLE | {"management_uri": "http://rabbit:8080/api-root/"}).management

    assert ("http://rabbit:8080/api-root", True) == (management.uri, management.given)


def test_the_management_api_may_have_a_user_of_its_own() -> None:
    management = read(SINGLE | {"management_username": "monitor", "management_password": "s3cret-2"}).management

    assert ("monitor", "s3cret-2") == (management.username, management.password)


def test_metrics_are_read_where_the_secret_says() -> None:
    assert read(SINGLE).metrics_uri is None
    assert "http://rabbit-nodes:15692" == read(SINGLE | {"metrics_uri": "http://rabbit-nodes:15692/"}).metrics_uri


def test_a_token_takes_the_place_of_user_and_password() -> None:
    wanted = {"oauth2_scopes": "rabbit.read:*/* rabbit.tag:management", "oauth2_audience": "rabbit"}
    # The Cluster Operator's Secret has the broker's first user in it, also where people add the keys of OAuth 2.
    login = read(SINGLE | TOKEN | wanted)

    assert ("OAUTH2", "", "") == (login.mechanism, login.username, login.password)
    assert ("rabbit.read:*/*", "rabbit.tag:management") == login.oauth2.scopes
    assert ("operator", "rabbit") == (login.oauth2.client_id, login.oauth2.audience)
    assert "" == login.management.username


def test_equal_secrets_are_one_login_and_a_changed_password_is_another() -> None:
    assert {read(SINGLE)} == {read(SINGLE), read(SINGLE | {"connection_string": "amqp://else"})}
    assert read(SINGLE) != read(SINGLE | {"password": "other"})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({}, "key host is missing", id="empty"),
        pytest.param({"host": "rabbit", "username": "u"}, "key password is missing", id="no password"),
        pytest.param(SINGLE | {"port": "s3cr"}, "key port must be a TCP port", id="port in words"),
        pytest.param(SINGLE | {"port": "70000"}, "key port must be a TCP port", id="port too high"),
        pytest.param(SINGLE | {"port": "²"}, "key port must be a TCP port", id="port in another script"),
        pytest.param(SINGLE | {"host": "rabbit:s3cr"}, "key host must be a host name", id="port of a host in words"),
        pytest.param(SINGLE | {"host": "amqp://u:s3cret@rabbit"}, "key host must be a host name", id="host is a URI"),
        pytest.param(SINGLE | {"host": "s3cr" * 16}, "key host must be a host name", id="label of 64 bytes"),
        pytest.param(SINGLE | {"host": "s3cr..b"}, "key host must be a host name", id="an empty label"),
        pytest.param(SINGLE | {"tls_server_name": "*.s3cr"}, "key tls_server_name must be a host", id="a pattern"),
        pytest.param(SINGLE | {"host": "a,,b"}, "key host must be a host name", id="an empty host"),
        pytest.param(SINGLE | {"host": "a:0"}, "key host must be a TCP port", id="port zero"),
        pytest.param(SINGLE | {"host": "fd00::s3cr"}, "key host must be a host name", id="no IPv6"),
        pytest.param(SINGLE | {"username": "s3cr\0et"}, "key username has a NUL", id="NUL in a name"),
        pytest.param(SINGLE | {"vhost": "s3cr" * 64}, "key vhost names a vhost of more than 255", id="long vhost"),
        pytest.param({"uri": "https://u:s3cr@h"}, "key uri must start with amqp:// or amqps://", id="https"),
        pytest.param({"uri": "amqp://u:s3cr/et@h:5672/"}, "key uri cannot be read as amqp", id="slash"),
        pytest.param({"uri": "amqp://u:1/s3cr@h:5672/"}, "key uri cannot be read as amqp", id="slash after a digit"),
        pytest.param({"uri": "amqp://u:1#s3cr@h:5672/"}, "key uri cannot be read as amqp", id="hash"),
        pytest.param({"uri": "amqp://u:1?s3cr@h:5672/"}, "key uri cannot be read as amqp", id="question mark"),
        pytest.param({"uri": "amqp://u:s3cr@[h/"}, "key uri cannot be read as amqp", id="half a bracket"),
        pytest.param({"uri": "amqp://u:s3cr%FF@h/"}, "key uri is not percent-encoded UTF-8", id="not UTF-8"),
        pytest.param({"uri": "amqp://u:s3cr%00@h/"}, "key uri is not percent-encoded UTF-8", id="encoded NUL"),
        pytest.param(SINGLE | {"management_uri": "http://u:s3cret@h"}, "without credentials", id="login in URI"),
        pytest.param(SINGLE | {"management_uri": "rabbit:15672"}, "must be http://host:port or", id="no scheme"),
        pytest.param(SINGLE | {"management_uri": "http://h:s3cr"}, "key management_uri must be", id="no port"),
        pytest.param(SINGLE | {"management_uri": "http://h/?s3cr"}, "key management_uri must be", id="a query"),
        pytest.param(SINGLE | {"metrics_uri": "s3cr"}, "key metrics_uri must be http://", id="metrics"),
        pytest.param(SINGLE | {"metrics_uri": "http://s3cr\\h:1"}, "key metrics_uri must be http", id="backslash"),
        pytest.param(SINGLE | {"metrics_uri": "http://s3cr.。h"}, "key metrics_uri must be http", id="an odd dot"),
        pytest.param(SINGLE | {"metrics_uri": "http://xn--s3cr-"}, "key metrics_uri must be http", id="punycode"),
        pytest.param(
            SINGLE | {"management_uri": f"http://{'s3cr' * 16}:1"}, "key management_uri must be", id="label of a URI"
        ),
        pytest.param(
            SINGLE | {"management_uri": f"http://{'ä' * 60}"}, "key management_uri must be", id="label when encoded"
        ),
        pytest.param(
            SINGLE | {"management_uri": f"http://{'s3cr.' * 51}h"}, "key management_uri must be", id="a long name"
        ),
        pytest.param(SINGLE | {"management_uri": "http://s3cr:0"}, "key management_uri must be", id="port 0 of a URI"),
        pytest.param(
            TOKEN | {"oauth2_token_uri": f"https://{'s3cr' * 16}/"}, "key oauth2_token_uri must be", id="issuer"
        ),
        pytest.param(SINGLE | {"host": "xn--s3cr-"}, "key host must be a host name", id="punycode of a host"),
        pytest.param({"uri": "amqp://u:p@s3cr\\h/"}, "key uri cannot be read as amqp", id="backslash in a host"),
        pytest.param({"uri": f"amqp://u:p@{'s3cr' * 16}/"}, "key uri cannot be read as amqp", id="label of a string"),
        pytest.param(SINGLE | {"management_username": "u"}, "key management_password is missing", id="half a login"),
        pytest.param(SINGLE | {"management_password": "s3cr"}, "key management_username is missing", id="other half"),
        pytest.param(
            SINGLE | {"management_username": "s3cr:x", "management_password": "p"},
            "key management_username has a colon",
            id="colon",
        ),
        pytest.param(SINGLE | {"sasl_mechanism": "s3cr"}, "key sasl_mechanism must be PLAIN or EXTERNAL", id="SASL"),
        pytest.param(SINGLE | {"tls": "s3cr"}, "key tls must be true or false", id="tls"),
        pytest.param(SINGLE | {"tls_verify_hostname": "no"}, "must be true or false", id="verify"),
        pytest.param(SINGLE | {"oauth2_client_id": "x"}, "key oauth2_token_uri is missing", id="no issuer"),
        pytest.param(TOKEN | {"oauth2_client_secret": ""}, "key oauth2_client_secret is missing", id="no secret"),
        pytest.param(TOKEN | {"oauth2_token_uri": "issuer"}, "must be https://host:port or", id="issuer's address"),
        pytest.param(TOKEN | {"sasl_mechanism": "EXTERNAL"}, "asks for OAuth 2; remove one", id="two mechanisms"),
    ],
)
def test_a_bad_secret_is_refused_by_key_and_without_its_values(values: dict[str, str], words: str) -> None:
    with pytest.raises(SecretError) as refused:
        read(values)

    assert words in str(refused.value)
    assert str(refused.value).startswith("Secret shop/rabbitmq: key ")
    assert "s3cr" not in str(refused.value)
    # What it was raised from would be in a traceback.
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("value", [b64encode(b"\xff").decode(), "s3cr!"])
def test_a_value_that_is_no_text_is_refused_by_key(value: str) -> None:
    with pytest.raises(SecretError, match="key password is not UTF-8 text") as refused:
        from_secret(data={"password": value}, secret="shop/rabbitmq", vhost=None)

    assert "s3cr" not in str(refused.value)


@pytest.mark.parametrize("show", [repr, str])
@pytest.mark.parametrize(
    "values",
    [SINGLE, TOKEN, SINGLE | {"management_username": "m", "management_password": "s3cret"}],
    ids=["password", "client secret", "management"],
)
def test_no_secret_is_in_a_representation(values: dict[str, str], show: Any) -> None:
    login = read(values)

    assert "s3cret" not in show(login)
    assert "s3cret" not in show((login.management, login.oauth2))
    assert "s3cret" not in login.endpoint + login.who


@pytest.mark.parametrize(
    ("values", "who"), [(SINGLE, "user shop"), (TOKEN, "the token of client operator")], ids=["password", "token"]
)
def test_who_we_are_in_words(values: dict[str, str], who: str) -> None:
    assert who == read(values).who
