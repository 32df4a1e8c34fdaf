from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from tests.certificates import Authority


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def test_a_certificate_fits_its_key_and_its_authority(authority: Authority) -> None:
    issued = authority.server()
    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate.encode()))
    assert certificate.public_key() == load_pem_private_key(issued.key.encode(), None).public_key()


def test_a_client_has_its_name(authority: Authority) -> None:
    certificate = x509.load_pem_x509_certificate(authority.client("shop").certificate.encode())
    assert [part.value for part in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["shop"]


@pytest.mark.parametrize("expired", [True, False])
def test_an_expired_one_is_expired_and_others_are_not(authority: Authority, *, expired: bool) -> None:
    certificate = x509.load_pem_x509_certificate(authority.server(expired=expired).certificate.encode())
    assert (certificate.not_valid_after_utc < datetime.now(UTC)) is expired


def test_the_key_stays_out_of_what_is_printed(authority: Authority) -> None:
    assert "PRIVATE KEY" not in repr(authority.server())
