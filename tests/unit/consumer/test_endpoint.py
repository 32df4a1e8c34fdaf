"""Producer and consumer may not import each other, so each has its own copy of `endpoint`: both are tested here."""

from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import qc_consumer.endpoint
import qc_producer.endpoint

MODULES = [qc_consumer.endpoint, qc_producer.endpoint]


@pytest.fixture(params=MODULES, ids=["consumer", "producer"])
def module(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_the_two_copies_are_the_same() -> None:
    texts = {Path(str(module.__file__)).read_text().replace("qc_producer", "qc_consumer") for module in MODULES}
    assert len(texts) == 1


def test_without_anything_it_is_guest_at_localhost(module: ModuleType) -> None:
    found = module.resolve(None, {})
    assert (found.host, found.port, found.vhost, found.username, found.password, found.tls) == (
        "localhost", 5672, "/", "guest", "guest", False
    )  # fmt: skip


@given(username=st.text(min_size=1), password=st.text(min_size=1), vhost=st.text(min_size=1))
def test_any_character_survives_a_url(username: str, password: str, vhost: str) -> None:
    parts = [quote(part, safe="") for part in (username, password, vhost)]
    for module in MODULES:
        found = module.resolve(f"amqp://{parts[0]}:{parts[1]}@rabbit:1234/{parts[2]}?heartbeat=7", {})
        assert (found.username, found.password, found.vhost) == (username, password, vhost)
        assert (found.host, found.port, found.heartbeat) == ("rabbit", 1234, 7)


@pytest.mark.parametrize("url", ["amqp://rabbit", "amqp://rabbit/", "amqp://rabbit/%2F"])
def test_a_url_without_a_vhost_means_the_usual_one(module: ModuleType, url: str) -> None:
    assert module.resolve(url, {}).vhost == "/"


def test_amqps_means_tls_and_its_port(module: ModuleType) -> None:
    found = module.resolve("amqps://rabbit", {"RABBITMQ_CA_FILE": "ca.pem"})
    assert (found.tls, found.port, found.ca_file) == (True, 5671, "ca.pem")


def test_an_explicit_url_beats_the_environment_and_the_url_beats_the_fields(module: ModuleType) -> None:
    environ = {"RABBITMQ_URL": "amqp://two", "RABBITMQ_HOST": "three"}
    assert module.resolve("amqp://one", environ).host == "one"
    assert module.resolve(None, environ).host == "two"


def test_the_port_that_kubernetes_makes_of_a_service_is_ignored(module: ModuleType) -> None:
    found = module.resolve(None, {"RABBITMQ_HOST": "rabbit", "RABBITMQ_PORT": "tcp://10.0.0.1:5672"})
    assert (found.host, found.port) == ("rabbit", 5672)


def test_files_give_values_without_their_last_newline(module: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a b \n")
    found = module.resolve(None, {"RABBITMQ_PASSWORD_FILE": str(tmp_path / "password")})
    assert found.password == "a b "


def binding(root: Path, name: str, **keys: str) -> None:
    folder = root / name
    folder.mkdir()
    for key, value in keys.items():
        (folder / key.replace("__", "-")).write_text(value)


def test_a_binding_is_found_and_single_variables_override_it(module: ModuleType, tmp_path: Path) -> None:
    binding(tmp_path, "cache", type="redis", host="redis")
    binding(
        tmp_path, "queue", type="rabbitmq", host="rabbit", port="1234", username="u", password="p:/@%",
        connection_string="amqp://u:p:/@%@wrong",
    )  # fmt: skip
    environ = {"SERVICE_BINDING_ROOT": str(tmp_path), "RABBITMQ_VHOST": "shop"}
    found = module.resolve(None, environ)
    assert (found.host, found.port, found.username, found.password, found.vhost) == (
        "rabbit", 1234, "u", "p:/@%", "shop"
    )  # fmt: skip


def test_a_binding_with_a_uri_alone_will_do(module: ModuleType, tmp_path: Path) -> None:
    binding(tmp_path, "queue", type="rabbitmq", uri="amqps://u:p%40@rabbit/shop", virtual__host="other")
    found = module.resolve(None, {"SERVICE_BINDING_ROOT": str(tmp_path)})
    assert (found.host, found.password, found.vhost, found.port) == ("rabbit", "p@", "other", 5671)


def test_certificates_of_a_binding_mean_tls(module: ModuleType, tmp_path: Path) -> None:
    binding(tmp_path, "queue", type="rabbitmq", host="rabbit")
    (tmp_path / "queue" / "ca.crt").write_text("x")
    found = module.resolve(None, {"SERVICE_BINDING_ROOT": str(tmp_path)})
    assert (found.tls, found.port, found.ca_file) == (True, 5671, str(tmp_path / "queue" / "ca.crt"))


def test_of_several_bindings_one_must_be_named(module: ModuleType, tmp_path: Path) -> None:
    binding(tmp_path, "a", type="rabbitmq", host="ha")
    binding(tmp_path, "b", type="rabbitmq", host="hb")
    environ = {"SERVICE_BINDING_ROOT": str(tmp_path)}
    with pytest.raises(ValueError, match=r"\(a, b\): set RABBITMQ_BINDING"):
        module.resolve(None, environ)
    assert module.resolve(None, environ | {"RABBITMQ_BINDING": "b"}).host == "hb"
    with pytest.raises(ValueError, match="no binding 'c'"):
        module.resolve(None, environ | {"RABBITMQ_BINDING": "c"})


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"RABBITMQ_URL": "http://u:hunter2@h"}, "must start with amqp://"),
        ({"RABBITMQ_URL": "amqp://u:hunter2@h:99999"}, "cannot be parsed"),
        ({"RABBITMQ_URL": "amqp://u:hunter2@h/v?ssl_options=x"}, "option 'ssl_options'"),
        ({"RABBITMQ_PORT": "http"}, "port must be a number from 1 to 65535, not 'http'"),
        ({"RABBITMQ_PASSWORD_FILE": "/does/not/exist"}, "RABBITMQ_PASSWORD_FILE: cannot read /does/not/exist"),
    ],
)
def test_mistakes_are_named_and_passwords_are_not(module: ModuleType, environ: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError, match=text) as caught:
        module.resolve(None, environ)
    assert "hunter2" not in str(caught.value)


def test_an_endpoint_does_not_show_its_password(module: ModuleType) -> None:
    assert "hunter2" not in repr(module.resolve("amqp://u:hunter2@h", {}))
