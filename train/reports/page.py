"""A page of headings, tables and pictures in one HTML file that needs no network to open."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from digitcam.edge.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE_DPI = 110


@dataclass(frozen=True)
class Table:
    """Rows below a header; the first column names the row, the others are set as numbers."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture with what is to be seen in it."""

    png: bytes
    caption: str
    pixelated: bool = False
    """Enlarge without smoothing, for small images of digits."""

    @property
    def source(self) -> str:
        """The picture as the address of an image."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True)
class Section:
    """A heading, a paragraph, and what belongs to them."""

    title: str
    text: str = ""
    tables: Sequence[Table] = field(default_factory=tuple)
    pictures: Sequence[Picture] = field(default_factory=tuple)


def write_page(path: Path, title: str, summary: str, sections: Sequence[Section]) -> None:
    """Write the page atomically, with every picture inside it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("page.html").render(
        title=title, summary=summary, sections=sections
    )
    write_whole(path, page.encode())


def drawn(figure: Figure) -> bytes:
    """Return a matplotlib figure as PNG."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=PICTURE_DPI)
    return content.getvalue()
