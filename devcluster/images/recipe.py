"""Which images there are and what each is made of."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devcluster.failure import Failure
from devcluster.toolchain import content_key

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One image: its Dockerfile, the files that decide its content, and the image that it starts from.

    Paths are relative to the repository. *inputs* are files, or folders taken whole; a change of any of them builds the
    image anew. *base* is given to the Dockerfile as the build argument BASE_IMAGE.
    """

    name: str
    dockerfile: str
    inputs: tuple[str, ...]
    base: str | None = None
    context: str = "."


_RECIPES = (
    Recipe(name="pause", dockerfile="devcluster/images/pause/Dockerfile", inputs=("devcluster/images/pause",)),
    Recipe(
        name="base",
        dockerfile="devcluster/images/base/Dockerfile",
        inputs=("devcluster/images/base", "devcluster/images/bootstrap.py"),
    ),
    Recipe(
        name="operator",
        dockerfile="operator/Dockerfile",
        inputs=(".dockerignore", "operator/qc_operator", "requirements/operator.txt"),
        base="base",
    ),
    Recipe(
        name="consumer",
        dockerfile="consumer_image/Dockerfile",
        inputs=(
            ".dockerignore",
            "consumer_image/qc_consumer",
            "producer/qc_producer",
            "requirements/consumer.txt",
        ),
        base="base",
    ),
    Recipe(
        name="rabbitmq",
        dockerfile="devcluster/images/rabbitmq/Dockerfile",
        inputs=("devcluster/images/rabbitmq",),
        base="base",
        context="devcluster/images/rabbitmq",
    ),
    Recipe(
        name="shop",
        dockerfile="examples/shop/Dockerfile",
        inputs=("examples/shop",),
        base="consumer",
        context="examples/shop",
    ),
)
NAMES = tuple(recipe.name for recipe in _RECIPES)


def find(name: str) -> Recipe:
    """The recipe of image *name*; Failure when there is none."""
    for recipe in _RECIPES:
        if recipe.name == name:
            return recipe
    raise Failure(f"There is no image {name!r}. There are: {', '.join(NAMES)}.")


def reference(name: str) -> str:
    """How manifests name the image."""
    return f"localhost/queueconsumer/{name}:dev"


def key(recipe: Recipe, *, repository: Path = REPOSITORY) -> str:
    """A hash of everything that decides the image's content, the base image's included.

    Raises Failure when a file that the recipe names is missing.
    """
    parts: list[str | bytes] = [recipe.name, recipe.context]
    for name in sorted({recipe.dockerfile, *recipe.inputs}):
        for file in _files(repository / name):
            executable = "x" if os.access(file, os.X_OK) else "-"
            parts += [str(file.relative_to(repository)), executable, file.read_bytes()]
    if recipe.base:
        parts.append(key(find(recipe.base), repository=repository))
    return content_key(*parts)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        # Compiled bytecode and editors' files are not in the image: .containerignore keeps them out.
        yield from (
            file
            for file in sorted(path.rglob("*"))
            if file.is_file() and "__pycache__" not in file.parts and not file.name.startswith(".")
        )
    else:
        raise Failure(f"{path} is missing; the image is built from it.")
