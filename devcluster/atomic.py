"""Writing a file so that it is never half there."""

import os
from pathlib import Path


def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Give *path* the content *text* in one step, or leave it alone when it has it already.

    Half-written files would survive a kill -9. Untouched files matter to programs that watch theirs: kube-proxy ends
    itself when its configuration is written, even with the same content.
    """
    try:
        if path.read_text() == text and path.stat().st_mode & 0o777 == mode:
            return
    except (OSError, UnicodeDecodeError):
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    # Created with its mode: a key is at no moment readable by others.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, mode)
        file.write(text)
    temporary.replace(path)
