"""TLS is on when anything hints at it; certificates that cannot be used are refused by key."""

import ssl
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from qc_operator.brokers.binding import from_secret
from qc_operator.brokers.credentials import Credentials, SecretError, Tls
from qc_operator.brokers.tls import context, issuer_context

PKCS1, PKCS8 = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8
SINGLE = {"host": "rabbit", "username": "shop", "password": "s3cret"}


@dataclass(frozen=True)
class Pem:
    ca: str
    certificate: str
    key: str
    other_key: str

    @property
    def pair(self) -> dict[str, str]:
        return {"tls.crt": self.certificate, "tls.key": self.key}


def rsa_key(form: PrivateFormat, passphrase: bytes | None = None) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, encryption).decode()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def pem(authority: trustme.CA) -> Pem:
    mine, other = (authority.issue_cert(f"{name}.example.org") for name in ("mine", "other"))
    return Pem(
        ca=authority.cert_pem.bytes().decode(),
        certificate=mine.cert_chain_pems[0].bytes().decode(),
        key=mine.private_key_pem.bytes().decode(),
        other_key=other.private_key_pem.bytes().decode(),
    )


def read(values: dict[str, str]) -> Credentials:
    encoded = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    return from_secret(data=encoded, secret="shop/rabbitmq", vhost=None)


@pytest.mark.parametrize(
    "hint",
    [
        {"tls": "true"},
        {"port": "5671"},
        {"host": "rabbit,other:5671"},
        {"connection_string": "amqps://rabbit"},
        {"uri": "AMQPS://u:p@rabbit:5671"},
        {"tls_server_name": "rabbit.example.org"},
        {"tls_verify_hostname": "true"},
    ],
    ids=str,
)
def test_whatever_hints_at_tls_turns_it_on(hint: dict[str, str]) -> None:
    login = read(SINGLE | hint)

    assert login.tls is not None
    assert 5671 in {port for _, port in login.hosts}
    assert "https://rabbit:15671" == login.management.uri


def test_a_private_ca_turns_tls_on_whatever_the_connection_string_says(pem: Pem) -> None:
    login = read({"connection_string": "amqp://u:p@rabbit", "ca.crt": pem.ca})

    assert pem.ca.strip() == login.tls.ca.strip()
    assert (("rabbit", 5671),) == login.hosts


def test_a_port_that_is_given_stays(pem: Pem) -> None:
    assert (("rabbit", 5672),) == read(SINGLE | {"ca.crt": pem.ca, "port": "5672"}).hosts


def test_only_a_plain_word_turns_tls_off(pem: Pem) -> None:
    login = read(SINGLE | {"ca.crt": pem.ca, "tls": "false", "management_uri": "https://rabbit:15671"})

    assert login.tls is None
    assert (("rabbit", 5672),) == login.hosts
    # What begins with https is verified with it all the same.
    assert login.https.ca is not None


def test_nothing_hints_at_tls() -> None:
    assert read(SINGLE).tls is None
    assert read(SINGLE | {"ca.crt": "", "tls.crt": ""}).tls is None


def test_a_certificate_and_no_user_is_a_login_by_certificate(pem: Pem) -> None:
    mutual = {"host": "rabbit", "tls.crt": pem.certificate, "tls.key": pem.key}

    assert ("EXTERNAL", "the client certificate") == (read(mutual).mechanism, read(mutual).who)
    assert "PLAIN" == read(SINGLE | mutual).mechanism
    assert "EXTERNAL" == read(SINGLE | mutual | {"sasl_mechanism": "EXTERNAL"}).mechanism


def test_beside_a_certificate_the_user_is_for_the_management_api(pem: Pem) -> None:
    mutual = {"tls.crt": pem.certificate, "tls.key": pem.key, "sasl_mechanism": "EXTERNAL"}
    login = read(SINGLE | mutual | {"management_uri": "https://rabbit:15671"})

    assert ("", "") == (login.username, login.password)
    assert ("shop", "s3cret") == (login.management.username, login.management.password)


def test_a_bundle_may_have_comments_in_any_language(pem: Pem) -> None:
    bundle = f"\ufeff# Főtanúsítvány\r\n{pem.ca}\n# Größe\n{pem.certificate}"

    assert read(SINGLE | {"ca.crt": bundle}).tls is not None


CASES = [
    ("a CA that is none", lambda _: {"ca.crt": "s3cr"}, "key ca.crt is no certificate in PEM form"),
    ("half a CA", lambda pem: {"ca.crt": pem.ca[:200]}, "key ca.crt is no certificate in PEM form"),
    ("a key as CA", lambda pem: {"ca.crt": pem.key}, "key ca.crt is no certificate in PEM form"),
    ("no key", lambda pem: {"tls.crt": pem.certificate}, "key tls.key is missing or empty, and tls.crt is of no use"),
    ("no certificate", lambda pem: {"tls.key": pem.key}, "key tls.crt is missing or empty, and tls.key is of no use"),
    ("no PEM", lambda pem: pem.pair | {"tls.crt": "s3cr"}, "key tls.crt is no certificate in PEM form"),
    ("a key that is none", lambda pem: pem.pair | {"tls.key": "s3cr"}, "key tls.key is no private key in PEM form"),
    ("half a key", lambda pem: pem.pair | {"tls.key": pem.key[:99]}, "key tls.key is no private key in PEM form"),
    (
        "another key",
        lambda pem: pem.pair | {"tls.key": pem.other_key},
        "key tls.key does not belong to the certificate",
    ),
    ("another kind of key", lambda pem: pem.pair | {"tls.key": rsa_key(PKCS8)}, "key tls.key does not belong to"),
    ("a passphrase", lambda pem: pem.pair | {"tls.key": rsa_key(PKCS8, b"x")}, "key tls.key is protected by a pass"),
    ("an older form", lambda pem: pem.pair | {"tls.key": rsa_key(PKCS1, b"x")}, "key tls.key is protected by a pass"),
    ("no certificate to show", lambda _: {"sasl_mechanism": "EXTERNAL"}, "key tls.crt is missing or empty; sasl_mec"),
    ("not shown", lambda pem: pem.pair | {"sasl_mechanism": "EXTERNAL", "tls": "false"}, "key tls is false"),
    ("yes and no", lambda _: {"uri": "amqps://rabbit", "tls": "false"}, "key tls is false, and key uri starts with"),
]


@pytest.mark.parametrize(("change", "words"), [pytest.param(*case, id=name) for name, *case in CASES])
def test_what_cannot_be_used_is_refused_by_key(change: Callable[[Pem], dict[str, str]], words: str, pem: Pem) -> None:
    with pytest.raises(SecretError) as refused:
        read(SINGLE | change(pem))

    assert words in str(refused.value)
    assert "s3cr" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_login_by_certificate_needs_a_user_for_a_management_api_that_is_named(pem: Pem) -> None:
    mutual = {"host": "rabbit", "tls.crt": pem.certificate, "tls.key": pem.key}
    with pytest.raises(SecretError, match="key management_username is missing"):
        read(mutual | {"management_uri": "https://rabbit:15671"})

    assert "" == read(mutual).management.username


def test_no_key_and_no_certificate_is_in_a_representation(pem: Pem) -> None:
    login = read(SINGLE | {"ca.crt": pem.ca, "tls.crt": pem.certificate, "tls.key": pem.key})

    assert "-----BEGIN" not in repr(login)


def test_a_context_trusts_the_private_ca_only_and_no_tls_before_1_2(pem: Pem) -> None:
    made = context(Tls(ca=pem.ca))

    assert 1 == len(made.get_ca_certs())
    assert ssl.TLSVersion.TLSv1_2 == made.minimum_version
    assert (ssl.CERT_REQUIRED, True) == (made.verify_mode, made.check_hostname)


def test_without_the_names_the_chain_is_still_verified(pem: Pem) -> None:
    made = context(Tls(ca=pem.ca, verify_hostname=False))

    assert (ssl.CERT_REQUIRED, False) == (made.verify_mode, made.check_hostname)


def test_a_token_issuer_may_be_private_or_public(pem: Pem) -> None:
    made = issuer_context(Tls(ca=pem.ca, verify_hostname=False))

    assert made.check_hostname
    assert len(made.get_ca_certs()) == len(issuer_context(Tls()).get_ca_certs()) + 1
