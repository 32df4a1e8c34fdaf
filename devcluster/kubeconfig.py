"""Kubeconfig files, written as JSON (which is YAML)."""

import base64
import json
from pathlib import Path

from devcluster import atomic
from devcluster.layout import HOST_ADDRESS, NAME, PORTS


def text(*, pki: Path, identity: str) -> str:
    """A kubeconfig for the certificate *identity*, complete in itself so that it can be copied elsewhere."""

    def inline(file: str) -> str:
        return base64.b64encode((pki / file).read_bytes()).decode()

    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": NAME,
            "clusters": [
                {
                    "name": NAME,
                    "cluster": {
                        "server": f"https://{HOST_ADDRESS}:{PORTS.api_server}",
                        "certificate-authority-data": inline("ca.crt"),
                    },
                }
            ],
            "users": [
                {
                    "name": identity,
                    "user": {
                        "client-certificate-data": inline(f"{identity}.crt"),
                        "client-key-data": inline(f"{identity}.key"),
                    },
                }
            ],
            "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": identity}}],
        },
        indent=1,
    )


def write(path: Path, *, pki: Path, identity: str) -> None:
    """Write a kubeconfig that only its owner can read: it holds a key."""
    atomic.write(path, text(pki=pki, identity=identity), mode=0o600)
