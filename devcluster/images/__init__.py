"""Images: built by buildah from the Dockerfiles that users get, kept as OCI archives, loaded into the cluster."""

from devcluster.images.building import build
from devcluster.images.loading import import_archive, load
from devcluster.images.recipe import NAMES, reference

__all__ = ["NAMES", "build", "import_archive", "load", "reference"]
