"""Building an image with buildah, once per content."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from devcluster import layout, lock
from devcluster.failure import Failure
from devcluster.images import bootstrap, pip_settings
from devcluster.images.recipe import REPOSITORY, Recipe, find, key, reference
from devcluster.progress import run, run_long, say

# What puts files into the context that are not in the repository.
_PREPARATIONS = {"pause": bootstrap.compile_pause, "base": bootstrap.bootstrap_base}
_ATTEMPTS = 3
# Archives of earlier contents that stay, per image: another checkout, or a command at work, may be using them.
_KEPT = 3
# About a dozen steps per image and content.
_REMEMBERED_STEPS = 200


@dataclass(frozen=True, kw_only=True)
class _Version:
    """An image with one particular content. The key is taken once: the sources may change during a build."""

    recipe: Recipe
    key: str

    @property
    def archive(self) -> Path:
        return _folder() / f"{self.recipe.name}-{self.key}.tar"

    @property
    def stored_name(self) -> str:
        """How buildah's own store names it."""
        return f"localhost/queueconsumer/{self.recipe.name}:{self.key}"


def build(*, name: str) -> Path:
    """The OCI archive of image *name*, built first if nothing in the cache has its content.

    Raises Failure when there is no such image or a build fails.
    """
    recipe = find(name)
    version = _version(recipe)
    if not version.archive.exists():
        with lock.of_folder(_folder()):
            version = _built(recipe)
    # Among the archives that are kept, what is in use is the newest.
    version.archive.touch()
    return version.archive


def _folder() -> Path:
    return layout.cache() / "images"


def _version(recipe: Recipe) -> _Version:
    return _Version(recipe=recipe, key=key(recipe))


def _built(recipe: Recipe) -> _Version:
    """Build the image as its sources are now, if nobody has; the caller holds the lock."""
    for _ in range(_ATTEMPTS):
        version = _version(recipe)
        if version.archive.exists():
            return version
        _build(version)
        if _version(recipe) == version:
            say(f"built {reference(recipe.name)}: {version.archive.stat().st_size / 1e6:.0f} MB")
            return version
        # Nobody knows which of the two contents went into it.
        version.archive.unlink()
        say(f"the sources of {reference(recipe.name)} have changed during its build")
    raise Failure(f"The sources of {reference(recipe.name)} keep changing while it is built; try again later.")


def _build(version: _Version) -> None:
    recipe = version.recipe
    arguments: list[str] = []
    if recipe.base:
        arguments += ["--build-arg", f"BASE_IMAGE={_stored(find(recipe.base))}"]
    with lock.scratch(_folder()) as work:
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
                version.stored_name,
                work if prepare else REPOSITORY / recipe.context,
            ],
            step=f"building image {reference(recipe.name)}",
            log=layout.cache() / "logs" / f"image-{recipe.name}.log",
        )
        finished = work / "image.tar"
        target = f"oci-archive:{finished}:{reference(recipe.name)}"
        run([*_buildah(), "push", "--quiet", version.stored_name, target], seconds=600)
        finished.rename(version.archive)
    _forget_older(recipe)


def _stored(recipe: Recipe) -> str:
    """The name of a base image in buildah's own store, put there if it is missing."""
    version = _built(recipe)
    try:
        run([*_buildah(), "inspect", "--type=image", "--format={{.FromImageID}}", version.stored_name])
    except Failure:
        image = run([*_buildah(), "pull", "--quiet", f"oci-archive:{version.archive}"], seconds=600).strip()
        run([*_buildah(), "tag", image, version.stored_name])
    return version.stored_name


def _buildah() -> list[str | Path]:
    # A store of our own in the cache: the person's containers and images are left alone.
    store = layout.cache() / "buildah"
    settings = f"CONTAINERS_CONF={REPOSITORY / 'devcluster/images/containers.conf'}"
    return [
        "env",
        settings,
        "buildah",
        "--root",
        store / "store",
        "--runroot",
        store / "run",
        "--storage-driver",
        "overlay",
    ]


def _forget_older(recipe: Recipe) -> None:
    """Drop older contents of the image and, now and then, remembered steps: they would fill the disk."""
    archives = sorted(_folder().glob(f"{recipe.name}-*.tar"), key=lambda file: file.stat().st_mtime, reverse=True)
    for old in archives[_KEPT:]:
        old.unlink()
    kept = {f"localhost/queueconsumer/{recipe.name}:{file.stem.rpartition('-')[2]}" for file in archives[:_KEPT]}
    listed = run([*_buildah(), "images", "--all", "--format={{.Name}}:{{.Tag}}"]).split()
    if len(listed) > _REMEMBERED_STEPS:
        with contextlib.suppress(Failure):
            run([*_buildah(), "rmi", "--prune"])
    for name in listed:
        if name.startswith(f"localhost/queueconsumer/{recipe.name}:") and name not in kept:
            with contextlib.suppress(Failure):
                run([*_buildah(), "rmi", name])
