"""The page's files, in memory: they are few, and an operator's container may have a read-only file system."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Final

TYPES: Final = {
    ".LICENSE": "text/plain",
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
INDEX: Final = "index.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file as it is sent."""

    body: bytes
    packed: bytes
    """The same, compressed by gzip."""
    type: str
    tag: str
    """Changes with the file (ETag)."""


def load() -> dict[str, File]:
    """All files of `static/` that a browser may ask for, by name. Nothing else is ever read."""
    found = {}
    for entry in resources.files(__package__).joinpath("static").iterdir():
        kind = TYPES.get(entry.name[entry.name.rfind(".") :])
        if kind is not None:
            body = entry.read_bytes()
            digest = hashlib.sha256(body).hexdigest()[:16]
            packed = gzip.compress(body, compresslevel=9, mtime=0)
            found[entry.name] = File(body=body, packed=packed, type=kind, tag=f'"{digest}"')
    return found
