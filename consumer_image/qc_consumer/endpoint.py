"""Where the broker is and who we are there: explicit URL, environment, or a mounted Service Binding.

Each field is taken from the first source that has it:

1. the explicit URL, else `RABBITMQ_URL`: these are complete, the rest is not looked at
2. `RABBITMQ_HOST`, `_PORT`, `_USERNAME`, `_PASSWORD`, `_VHOST`, `_CA_FILE`, `_CERT_FILE`, `_KEY_FILE`
3. `$SERVICE_BINDING_ROOT/<dir>` whose `type` is `rabbitmq` (`RABBITMQ_BINDING` names one of several)
4. guest at localhost

Of the variables that hold a value, each has a form with `_FILE` that names a file. Files are read at each connect,
since Kubernetes replaces them in a running pod when a Secret changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from qc_consumer.errors import ConfigurationError

PLAIN_PORT = 5672
TLS_PORT = 5671
HIGHEST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A broker's address and a login; never shows the password."""

    host: str = "localhost"
    port: int = PLAIN_PORT
    vhost: str = "/"
    username: str = "guest"
    password: str = field(default="guest", repr=False)
    tls: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    heartbeat: int = 20
    """Seconds without a sign of life after which the peer is taken for dead; 10 to 20 are advised, and below 5
    false alarms begin."""


def resolve(url: str | None, environ: Mapping[str, str]) -> Endpoint:
    """Find the broker; raise ConfigurationError, naming the source and the rule, if what is found is unusable."""
    url = url or _variable("RABBITMQ_URL", environ)
    if url:
        return _endpoint(_from_url(url, "the URL"), environ)
    return _endpoint(_from_binding(environ) | _from_variables(environ), environ)


def _endpoint(found: dict[str, str], environ: Mapping[str, str]) -> Endpoint:
    ca_file = environ.get("RABBITMQ_CA_FILE") or found.get("ca_file")
    tls = found.get("tls") == "true" or bool(ca_file) or found.get("port") == str(TLS_PORT)
    return Endpoint(
        host=found.get("host") or "localhost",
        port=_number("port", found.get("port") or str(TLS_PORT if tls else PLAIN_PORT), HIGHEST_PORT),
        vhost=found.get("vhost") or "/",
        username=found.get("username", "guest"),
        password=found.get("password", "guest"),
        tls=tls,
        ca_file=ca_file,
        cert_file=environ.get("RABBITMQ_CERT_FILE") or found.get("cert_file"),
        key_file=environ.get("RABBITMQ_KEY_FILE") or found.get("key_file"),
        heartbeat=_number("heartbeat", found.get("heartbeat", "20"), 3600),
    )


def _number(name: str, text: str, highest: int) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= highest):
        raise ConfigurationError(f"RabbitMQ {name} must be a number from 1 to {highest}, not {text!r}")
    return int(text)


def _variable(name: str, environ: Mapping[str, str]) -> str | None:
    if value := environ.get(name):
        return value
    if path := environ.get(f"{name}_FILE"):
        return _read(Path(path), f"{name}_FILE")
    return None


def _read(path: Path, source: str) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{source}: cannot read {path}: {error}") from error


def _from_url(url: str, source: str) -> dict[str, str]:
    # The URL is never quoted in an error: it holds the password.
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{source} of the broker cannot be parsed; percent-encode the password") from error
    if parts.scheme not in {"amqp", "amqps"}:
        raise ConfigurationError(f"{source} of the broker must start with amqp:// or amqps://")
    return _url_fields(parts, port, source)


def _url_fields(parts: SplitResult, port: int | None, source: str) -> dict[str, str]:
    found = {"tls": "true" if parts.scheme == "amqps" else "false"}
    given = {"host": parts.hostname, "username": parts.username, "password": parts.password, "vhost": parts.path[1:]}
    found |= {name: unquote(value) for name, value in given.items() if value}
    if port:
        found["port"] = str(port)
    for name, value in parse_qsl(parts.query):
        if name != "heartbeat":
            raise ConfigurationError(f"{source} of the broker has the option {name!r}; only heartbeat is known")
        found[name] = value
    return found


def _from_variables(environ: Mapping[str, str]) -> dict[str, str]:
    names = ("HOST", "PORT", "USERNAME", "PASSWORD", "VHOST")
    found = {name.lower(): value for name in names if (value := _variable(f"RABBITMQ_{name}", environ)) is not None}
    # Kubernetes sets RABBITMQ_PORT=tcp://10.0.0.1:5672 in pods beside a Service called rabbitmq.
    if found.get("port", "").startswith("tcp://"):
        del found["port"]
    return found


def _from_binding(environ: Mapping[str, str]) -> dict[str, str]:
    root = environ.get("SERVICE_BINDING_ROOT")
    if not root:
        return {}
    wanted = environ.get("RABBITMQ_BINDING")
    folders = [
        entry.parent
        for entry in sorted(Path(root).glob("*/type"))
        if _read(entry, "SERVICE_BINDING_ROOT").strip() == "rabbitmq" and wanted in {None, entry.parent.name}
    ]
    if wanted and not folders:
        raise ConfigurationError(f"RABBITMQ_BINDING: {root} has no binding {wanted!r} of type rabbitmq")
    if len(folders) > 1:
        names = ", ".join(folder.name for folder in folders)
        raise ConfigurationError(f"{root} has several bindings of type rabbitmq ({names}): set RABBITMQ_BINDING")
    return _binding_fields(folders[0]) if folders else {}


def _binding_fields(folder: Path) -> dict[str, str]:
    keys = {"host": "host", "port": "port", "username": "username", "password": "password"}
    keys |= {"virtual-host": "vhost", "vhost": "vhost"}
    found: dict[str, str] = {}
    # Single fields before the URL: the RabbitMQ Cluster Operator does not percent-encode its connection_string.
    if not (folder / "host").exists():
        for key in ("uri", "connection_string"):
            if (folder / key).exists():
                found = _from_url(_read(folder / key, folder.name), f"the {key} in the binding {folder.name}")
                break
    found |= {name: _read(folder / key, folder.name) for key, name in keys.items() if (folder / key).exists()}
    files = {"ca.crt": "ca_file", "tls.crt": "cert_file", "tls.key": "key_file"}
    return found | {name: str(folder / key) for key, name in files.items() if (folder / key).exists()}
