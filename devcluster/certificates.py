"""Keys and certificates of the cluster, made by the openssl program.

One authority signs for the cluster, one for the aggregation layer's front proxy, one for etcd: they must differ, or any
client of the cluster could pose as the proxy or read etcd. A key pair signs service-account tokens. See the Kubernetes
documentation, "PKI certificates and requirements".
"""

from dataclasses import dataclass
from pathlib import Path

from devcluster import atomic
from devcluster.layout import API_SERVICE_ADDRESS, CLUSTER_DOMAIN, HOST_ADDRESS, NODE
from devcluster.progress import run

_DAYS = "3650"
_AUTHORITIES = {"ca": "devcluster", "front-proxy-ca": "devcluster-front-proxy", "etcd-ca": "devcluster-etcd"}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """One certificate to sign: who it names and what for."""

    file: str
    name: str
    group: str = ""
    authority: str = "ca"
    alternatives: str = ""  # subjectAltName of a server's certificate


_API_SERVER_NAMES = ",".join(
    [
        *(f"DNS:kubernetes{suffix}" for suffix in ("", ".default", ".default.svc", f".default.svc.{CLUSTER_DOMAIN}")),
        "DNS:localhost",
        *(f"IP:{address}" for address in (HOST_ADDRESS, "127.0.0.1", API_SERVICE_ADDRESS)),
    ]
)
IDENTITIES = (
    Identity(file="apiserver", name="kube-apiserver", alternatives=_API_SERVER_NAMES),
    Identity(file="kubelet-server", name=f"system:node:{NODE}", alternatives=f"DNS:{NODE},IP:{HOST_ADDRESS}"),
    Identity(file="apiserver-kubelet-client", name="kube-apiserver-kubelet-client", group="system:masters"),
    Identity(file="front-proxy-client", name="front-proxy-client", authority="front-proxy-ca"),
    Identity(file="etcd", name="etcd", authority="etcd-ca", alternatives="DNS:localhost,IP:127.0.0.1"),
    Identity(file="etcd-client", name="kube-apiserver", authority="etcd-ca"),
    Identity(file="admin", name="devcluster-admin", group="system:masters"),
    Identity(file="controller-manager", name="system:kube-controller-manager"),
    Identity(file="scheduler", name="system:kube-scheduler"),
    Identity(file="node", name=f"system:node:{NODE}", group="system:nodes"),
    Identity(file="proxy", name="system:kube-proxy"),
    Identity(file="dns", name="devcluster-dns"),
)


def create(folder: Path) -> None:
    """Make whatever is missing in *folder*. A certificate counts as there when its last-written file is."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for file, name in _AUTHORITIES.items():
        if not (folder / f"{file}.crt").exists():
            _key(folder / f"{file}.key")
            argv: list[str | Path] = ["openssl", "req", "-x509", "-new", "-key", folder / f"{file}.key", "-days", _DAYS]
            extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
            options = [word for extension in extensions for word in ("-addext", extension)]
            atomic.write(folder / f"{file}.crt", run([*argv, "-subj", f"/CN={name}", *options]))
    if not (folder / "sa.pub").exists():
        _key(folder / "sa.key")
        atomic.write(folder / "sa.pub", run(["openssl", "pkey", "-in", folder / "sa.key", "-pubout"]))
    for identity in IDENTITIES:
        if not (folder / f"{identity.file}.crt").exists():
            _sign(folder=folder, identity=identity)


def _sign(*, folder: Path, identity: Identity) -> None:
    key = folder / f"{identity.file}.key"
    _key(key)
    subject = (f"/O={identity.group}" if identity.group else "") + f"/CN={identity.name}"
    request = run(["openssl", "req", "-new", "-key", key, "-subj", subject])
    extensions = [
        "keyUsage=critical,digitalSignature",
        # etcd shows its one certificate to its peers as a client, too.
        "extendedKeyUsage=" + ("serverAuth,clientAuth" if identity.alternatives else "clientAuth"),
    ]
    if identity.alternatives:
        extensions.append(f"subjectAltName={identity.alternatives}")
    settings = folder / f"{identity.file}.ext"
    settings.write_text("\n".join(extensions))
    authority = folder / identity.authority
    signed = run(
        ["openssl", "x509", "-req", "-days", _DAYS, "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key",
         "-CAcreateserial", "-extfile", settings],
        stdin=request,
    )  # fmt: skip
    settings.unlink()
    atomic.write(folder / f"{identity.file}.crt", signed)


def _key(path: Path) -> None:
    atomic.write(path, run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"]), mode=0o600)
