"""Getting an image from its archive into a cluster."""

import json
import os
import shlex
import tarfile
from pathlib import Path

from devcluster import layout as places
from devcluster.failure import Failure
from devcluster.images.building import build
from devcluster.images.recipe import reference
from devcluster.layout import Layout
from devcluster.progress import run, say

# Where the kubelet's images live in containerd.
_NAMESPACE = "k8s.io"


def load(*, name: str) -> None:
    """Build image *name* if need be and load it into the cluster in use.

    That is the development cluster, or with DEMO_CLUSTER=current any other, by the command in IMAGE_LOAD, such as
    ``kind load image-archive {archive}`` or ``minikube image load {archive}``. Raises Failure when it fails.
    """
    archive = build(name=name)
    if os.environ.get("DEMO_CLUSTER") != "current":
        import_archive(archive, layout=places.current())
        return
    template = os.environ.get("IMAGE_LOAD")
    if not template:
        raise Failure(
            "DEMO_CLUSTER=current needs IMAGE_LOAD, the command that loads an image archive into your cluster, "
            "for example IMAGE_LOAD='kind load image-archive {archive}'."
        )
    say(f"loading {reference(name)} by IMAGE_LOAD")
    run(load_command(template, archive=archive, image=reference(name)), seconds=600)


def load_command(template: str, *, archive: Path, image: str) -> list[str]:
    """The words of the command *template*, with ``{archive}`` and ``{image}`` filled in."""
    return [word.replace("{archive}", str(archive)).replace("{image}", image) for word in shlex.split(template)]


def import_archive(archive: Path, *, layout: Layout) -> bool:
    """Load an OCI archive into the development cluster; False when the very same image is there already."""
    name, digest = archived_image(archive)
    ctr = ["ctr", "--address", str(layout.containerd_socket), "--namespace", _NAMESPACE]
    if not layout.containerd_socket.exists():
        raise Failure("The cluster is not up: run `python3 -m devcluster up` first.")
    for line in run([*ctr, "images", "list", f"name=={name}"]).splitlines()[1:]:
        if digest in line.split():
            return False
    say(f"loading {name}")
    run([*ctr, "images", "import", archive], seconds=300)
    return True


def archived_image(archive: Path) -> tuple[str, str]:
    """Name and digest of the image in an OCI archive, from its index (OCI image layout specification).

    Raises Failure when the file is something else.
    """
    try:
        with tarfile.open(archive) as tar:
            manifest = json.loads(_read(tar, "index.json"))["manifests"][0]
        return manifest["annotations"]["org.opencontainers.image.ref.name"], manifest["digest"]
    except (tarfile.TarError, KeyError, IndexError, TypeError, ValueError):
        raise Failure(f"{archive} is no OCI archive: remove it, and it is built again.") from None


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    return file.read() if file else b""
