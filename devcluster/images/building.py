"""Building an image with buildah, once per content."""

import contextlib
from pathlib import Path

from devcluster import layout, lock
from devcluster.failure import Failure
from devcluster.images import bootstrap, pip_settings
from devcluster.images.recipe import REPOSITORY, Recipe, find, key, reference
from devcluster.progress import run, run_long, say

# About a dozen steps per image and version.
_REMEMBERED_STEPS = 200
# What puts files into the context that are not in the repository.
_PREPARATIONS = {"pause": bootstrap.compile_pause, "base": bootstrap.bootstrap_base}


def build(*, name: str) -> Path:
    """The OCI archive of image *name*, built first if nothing in the cache has its content.

    Raises Failure when there is no such image or a build fails.
    """
    recipe = find(name)
    archive = archive_of(recipe)
    if not archive.exists():
        with lock.of_folder(archive.parent):
            # Another command may have built it while this one waited.
            if not archive.exists():
                _build(recipe, archive=archive)
    return archive


def archive_of(recipe: Recipe) -> Path:
    """Where the image's archive lies, or will lie once it is built."""
    return layout.cache() / "images" / f"{recipe.name}-{key(recipe)}.tar"


def _build(recipe: Recipe, *, archive: Path) -> None:
    arguments: list[str] = []
    if recipe.base:
        arguments += ["--build-arg", f"BASE_IMAGE={_stored(find(recipe.base))}"]
    with lock.scratch(archive.parent) as work:
        prepare = _PREPARATIONS.get(recipe.name)
        if prepare:
            prepare(work)
        else:
            arguments += pip_settings.mounts(work)
        run_long(
            [
                *_buildah(),
                "bud",
                "--isolation=chroot",
                "--network=host",
                # Steps are remembered: after a change of sources, pip's step of 9 s is not run again.
                "--layers=true",
                "--pull-never",
                *arguments,
                "--file",
                REPOSITORY / recipe.dockerfile,
                "--tag",
                _stored_name(recipe),
                work if prepare else REPOSITORY / recipe.context,
            ],
            step=f"building image {reference(recipe.name)}",
            log=layout.cache() / "logs" / f"image-{recipe.name}.log",
        )
        finished = work / "image.tar"
        target = f"oci-archive:{finished}:{reference(recipe.name)}"
        run([*_buildah(), "push", "--quiet", _stored_name(recipe), target], seconds=600)
        finished.rename(archive)
    _forget_older(recipe)
    say(f"built {reference(recipe.name)}: {archive.stat().st_size / 1e6:.0f} MB")


def _stored_name(recipe: Recipe) -> str:
    return f"localhost/queueconsumer/{recipe.name}:{key(recipe)}"


def _stored(recipe: Recipe) -> str:
    """The name of a base image in buildah's own store, put there if it is missing."""
    name = _stored_name(recipe)
    archive = archive_of(recipe)
    if not archive.exists():
        _build(recipe, archive=archive)
    try:
        run([*_buildah(), "inspect", "--type=image", "--format={{.FromImageID}}", name])
    except Failure:
        image = run([*_buildah(), "pull", "--quiet", f"oci-archive:{archive}"], seconds=600).strip()
        run([*_buildah(), "tag", image, name])
    return name


def _buildah() -> list[str | Path]:
    # A store of our own in the cache: the person's containers and images are left alone.
    store = layout.cache() / "buildah"
    return ["buildah", "--root", store / "store", "--runroot", store / "run", "--storage-driver", "overlay"]


def _forget_older(recipe: Recipe) -> None:
    """Drop earlier versions of the image and, now and then, remembered steps: they would fill the disk."""
    listed = run([*_buildah(), "images", "--all", "--format={{.Name}}:{{.Tag}}"]).split()
    if len(listed) > _REMEMBERED_STEPS:
        with contextlib.suppress(Failure):
            run([*_buildah(), "rmi", "--prune"])
    for name in listed:
        if name.startswith(f"localhost/queueconsumer/{recipe.name}:") and name != _stored_name(recipe):
            with contextlib.suppress(Failure):
                run([*_buildah(), "rmi", name])
    for old in (layout.cache() / "images").glob(f"{recipe.name}-*.tar"):
        if old != archive_of(recipe):
            old.unlink(missing_ok=True)
