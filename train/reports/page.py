"""A page of headings, tables and pictures in one HTML file that needs no network to open."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from digitcam.edge.files import write_whole

from ..errors import RunError

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


def make_folder(folder: Path) -> None:
    """Make the folder of a report, before the work for it.

    Raises:
        RunError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{folder}: cannot be used as a folder for the report: {error.strerror}; choose "
            "another --out"
        ) from error


@contextmanager
def failures_told(folder: Path) -> Iterator[None]:
    """Tell of a file of a report that cannot be written, by the report's folder.

    The page is written last, and whole or not at all.

    Raises:
        RunError: One cannot.
    """
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{folder}: the report cannot be written: {error.strerror}; the page that was there "
            "is kept; make room or choose another --out"
        ) from error


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


def new_figure(width_in: float, height_in: float, *, laid_out: bool = True) -> Figure:
    """Return a figure that needs no display, because pyplot is not asked for it.

    Args:
        width_in: Inches.
        height_in: Inches.
        laid_out: Whether matplotlib finds room for what is in it, or who draws it does.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), layout="constrained" if laid_out else None)


def drawn(figure: Figure) -> bytes:
    """Return a matplotlib figure as PNG."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=PICTURE_DPI)
    return content.getvalue()
