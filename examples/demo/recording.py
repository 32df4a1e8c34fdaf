"""Save what the terminal showed as an SVG picture for the README."""

import io
import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, RenderableType

WIDTH = 104


def save(path: Path, pictures: Sequence[RenderableType]) -> None:
    """Draw the pictures below each other."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for picture in pictures:
        console.print(picture)
    # Rich's picture loads a font from a content network. One in a README should load nothing.
    svg = re.sub(r"@font-face\s*\{.*?\}", "", console.export_svg(title="make demo"), flags=re.DOTALL)
    path.write_text(svg, encoding="utf-8")
