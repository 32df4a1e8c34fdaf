"""Credentials from a Secret in Service Binding form.

Keys: servicebinding.io/spec/core 1.1, "Well-known Secret Entries", as the RabbitMQ Cluster Operator writes them. Single
fields win over `connection_string`, because that operator builds the string without percent-encoding. docs/secrets.md
explains every key.

Whatever can be checked without asking anybody is checked here, so that an error can name the key.
"""

from __future__ import annotations

from collections.abc import Mapping

from qc_operator.brokers.address import STRINGS, address_of, string_for_tls
from qc_operator.brokers.credentials import Credentials, Management, Mechanism, OAuth2, Tls, bracketed
from qc_operator.brokers.secret import Secret
from qc_operator.brokers.tls import PemError, check

AMQP_PORT = 5672
AMQPS_PORT = 5671
MANAGEMENT_PORT = 15672
MANAGEMENT_TLS_PORT = 15671
LONGEST_VHOST = 255
"""Bytes, of an AMQP 0-9-1 short string."""

CERTIFICATES = ("ca.crt", "tls.crt", "tls.key")
TLS_KEYS = (*CERTIFICATES, "tls_server_name", "tls_verify_hostname")
OAUTH2_KEYS = (
    "oauth2_token_uri", "oauth2_client_id", "oauth2_client_secret", "oauth2_scopes", "oauth2_audience",
)  # fmt: skip
KEYS = (
    "host", "port", "username", "password", "vhost", "virtual-host", *STRINGS,
    "management_uri", "management_username", "management_password", "metrics_uri",
    "tls", *TLS_KEYS, "sasl_mechanism", *OAUTH2_KEYS,
)  # fmt: skip
"""Those that are read; a Secret may hold anything else beside them."""


def from_secret(*, data: Mapping[str, str], secret: str, vhost: str | None) -> Credentials:
    """Read a Secret's `data` (base64 values, as the API server gives them).

    `secret` is `namespace/name`, for errors; `vhost` overrides the Secret's. Raises `SecretError`.
    """
    values = Secret(data=data, name=secret, keys=KEYS)
    address = address_of(values)
    encrypted = _encrypted(values, ports={port for _, port in address.hosts})
    https = _certificates(values)
    username = values["username"] or address.username
    password = values["password"] or address.password
    mechanism = _mechanism(values, anybody=bool(username or password))
    named = values["vhost"] or values["virtual-host"] or address.vhost
    if len(named.encode()) > LONGEST_VHOST:
        raise values.error(values.first("vhost", "virtual-host", *STRINGS), "names a vhost of more than 255 bytes")
    if mechanism == "PLAIN":
        for key, value in (("username", username), ("password", password)):
            if not value:
                raise values.error(key, "is missing or empty; give it, or a connection_string")
    by_password = mechanism == "PLAIN"
    return Credentials(
        hosts=tuple((host, port or (AMQPS_PORT if encrypted else AMQP_PORT)) for host, port in address.hosts),
        vhost=vhost or named or "/",
        mechanism=mechanism,
        username=username if by_password else "",
        password=password if by_password else "",
        tls=https if encrypted else None,
        https=https,
        oauth2=_oauth2(values) if mechanism == "OAUTH2" else None,
        management=_management(
            values,
            default=_default_management(address.hosts[0][0], encrypted=encrypted),
            # Beside a token, the user of the Secret is somebody else: the one that the broker was made with.
            login=("", "") if mechanism == "OAUTH2" else (username, password),
            needed=mechanism == "EXTERNAL",
        ),
        metrics_uri=values.url("metrics_uri", "http", "https") or None,
    )


def _encrypted(values: Secret, *, ports: set[int | None]) -> bool:
    """Whether AMQP is spoken over TLS: whatever hints at it is enough, and only a plain word turns it off."""
    said = values.flag("tls")
    string = string_for_tls(values)
    if said is False and string:
        raise values.error("tls", f"is false, and key {string} starts with amqps://; change one of them")
    if said is not None:
        return said
    return bool(string or AMQPS_PORT in ports or any(values[key] for key in TLS_KEYS))


def _certificates(values: Secret) -> Tls:
    for key, other in (("tls.crt", "tls.key"), ("tls.key", "tls.crt")):
        if values[key] and not values[other]:
            raise values.error(other, f"is missing or empty, and {key} is of no use without it")
    tls = Tls(
        ca=values["ca.crt"] or None,
        certificate=values["tls.crt"] or None,
        key=values["tls.key"] or None,
        server_name=values.name("tls_server_name") or None,
        verify_hostname=values.flag("tls_verify_hostname") is not False,
    )
    try:
        check(tls)
    except PemError as error:
        raise values.error(error.key, str(error)) from None
    return tls


def _mechanism(values: Secret, *, anybody: bool) -> Mechanism:
    """How to log in; `anybody` is whether there is a username or a password."""
    said = values.choice("sasl_mechanism", "PLAIN", "EXTERNAL")
    token = values.first(*OAUTH2_KEYS)
    if said == "EXTERNAL" and token:
        raise values.error("sasl_mechanism", f"is EXTERNAL, and key {token} asks for OAuth 2; remove one of them")
    if said == "EXTERNAL" and not values["tls.crt"]:
        raise values.error("tls.crt", "is missing or empty; sasl_mechanism EXTERNAL logs in with it")
    if said == "EXTERNAL" and values.flag("tls") is False:
        raise values.error("tls", "is false; sasl_mechanism EXTERNAL needs TLS")
    if token:
        return "OAUTH2"
    by_certificate = not said and not anybody and values["tls.crt"] and values.flag("tls") is not False
    return "EXTERNAL" if said == "EXTERNAL" or by_certificate else "PLAIN"


def _oauth2(values: Secret) -> OAuth2:
    advice = "OAuth 2 needs oauth2_token_uri, oauth2_client_id and oauth2_client_secret"
    for key in ("oauth2_token_uri", "oauth2_client_id", "oauth2_client_secret"):
        if not values[key]:
            raise values.error(key, f"is missing or empty; {advice}")
    return OAuth2(
        token_uri=values.url("oauth2_token_uri", "https", "http"),
        client_id=values["oauth2_client_id"],
        client_secret=values["oauth2_client_secret"],
        scopes=tuple(values["oauth2_scopes"].split()),
        audience=values["oauth2_audience"] or None,
    )


def _default_management(host: str, *, encrypted: bool) -> str:
    scheme, port = ("https", MANAGEMENT_TLS_PORT) if encrypted else ("http", MANAGEMENT_PORT)
    return f"{scheme}://{bracketed(host)}:{port}"


def _management(values: Secret, *, default: str, login: tuple[str, str], needed: bool) -> Management:
    """The API, by the Secret's own user for it or else by `login`; `needed`: there is nothing else to log in with."""
    own = (values["management_username"], values["management_password"])
    for key, other in (("management_username", "management_password"), ("management_password", "management_username")):
        if values[key] and not values[other]:
            raise values.error(other, f"is missing or empty, and {key} is of no use without it")
    if ":" in own[0]:
        # RFC 7617, section 2: the first colon ends the user's name.
        raise values.error("management_username", "has a colon in it, which HTTP basic authentication cannot carry")
    uri = values.url("management_uri", "http", "https")
    username, password = own if all(own) else login
    if uri and needed and not (username and password):
        raise values.error(
            "management_username",
            "is missing or empty; the management API takes no client certificate, so give it and management_password",
        )
    usable = bool(username and password)
    return Management(
        uri=uri or default,
        username=username if usable else "",
        password=password if usable else "",
        given=bool(uri),
    )
