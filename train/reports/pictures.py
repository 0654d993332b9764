"""Sheets of small images, and charts of numbers, as PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from ..pages.page import Page
from .page import PICTURE_DPI, Picture, drawn, new_figure
from .statistics import Images, Numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Image = NDArray[np.uint8]
"""(H, W) uint8, white ink on black."""

GAP_PX = 2
"""Between the images of a sheet, before it is enlarged."""
GAP_LEVEL = 150
NAME_PX = 75
"""Left of a sheet for the names of its rows."""
TITLE_PX = 24
"""Above a sheet for the names of its columns."""
BOX_COLOR = (0, 60, 255)
"""Blue, green, red."""
BINS = 40


@dataclass(frozen=True)
class Drawing(Picture):
    """A picture that is also a file of its own."""

    name: str = ""
    """Of the file, without its ending."""


def sheet(
    rows: Mapping[str, Sequence[Image] | Images], columns: Sequence[str] = (), enlarge: int = 2
) -> bytes:
    """Draw images of one size in named rows.

    Args:
        rows: Images by the name of their row; rows may differ in length.
        columns: Names of the columns, where they have some.
        enlarge: Screen pixels a pixel.
    """
    mosaic = cv2.resize(_mosaic(list(rows.values())), None, fx=enlarge, fy=enlarge, interpolation=0)
    height, width = mosaic.shape
    side, top = width + NAME_PX, height + TITLE_PX * bool(columns)
    figure = new_figure(side / PICTURE_DPI, top / PICTURE_DPI, laid_out=False)
    axes = figure.add_axes((NAME_PX / side, 0, width / side, height / top))
    axes.imshow(mosaic, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
    down, across = height / len(rows), width / max(map(len, rows.values()))
    axes.set_yticks([down * (i + 0.5) for i in range(len(rows))], list(rows))
    axes.set_xticks([across * (i + 0.5) for i in range(len(columns))], list(columns))
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    return drawn(figure)


def _mosaic(rows: Sequence[Sequence[Image] | Images]) -> Image:
    """Lay images out in rows; where there is none the gap's grey stays."""
    height, width = next(image.shape for row in rows for image in row)
    down, across = height + GAP_PX, width + GAP_PX
    shape = len(rows) * down, max(map(len, rows)) * across
    mosaic = np.full(shape, GAP_LEVEL, np.uint8)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            top, left = i * down + GAP_PX // 2, j * across + GAP_PX // 2
            mosaic[top : top + height, left : left + width] = image
    return mosaic


def class_bars(shares: Mapping[str, Sequence[float]]) -> bytes:
    """Draw the share of each class, in percent, a colour a part."""
    figure = new_figure(9, 3)
    axes = figure.subplots()
    wide = 0.8 / len(shares)
    for place, (part, values) in enumerate(shares.items()):
        middles = np.arange(len(values)) + (place - (len(shares) - 1) / 2) * wide
        axes.bar(middles, values, wide, label=part)
    axes.axhline(100 / len(values), color="gray", linewidth=1, linestyle="--", label="all alike")
    axes.set(xlabel="class", ylabel="share, %", xticks=range(len(values)))
    figure.legend(loc="outside upper center", ncols=len(shares) + 1, frameon=False)
    return drawn(figure)


def level_chart(levels: Mapping[str, Sequence[int]], width: int = 8) -> bytes:
    """Draw how many of the pixels have a level, a line a part."""
    figure = new_figure(9, 3)
    axes = figure.subplots()
    for part, counts in levels.items():
        binned = np.asarray(counts).reshape(-1, width).sum(axis=1)
        edges = np.arange(0, len(counts) + 1, width)
        axes.stairs(100 * binned / binned.sum(), edges, label=part)
    axes.set(xlabel="level (0 paper, 255 ink)", ylabel="pixels, %", yscale="log")
    axes.legend()
    return drawn(figure)


def measure_charts(
    measured: Mapping[str, Mapping[str, Numbers]], titles: Mapping[str, str]
) -> bytes:
    """Draw how each measure is spread, a line a part.

    Args:
        measured: By part and measure: a value an image.
        titles: By measure.
    """
    figure = new_figure(9.6, 5)
    charts = figure.subplots(2, 3).ravel()
    for axes, (name, title) in zip(charts, titles.items(), strict=True):
        _draw_histograms(axes, {part: values[name] for part, values in measured.items()})
        axes.set_xlabel(title)
    handles, names = charts[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(names), frameon=False)
    figure.supylabel("images, %", fontsize="medium")
    return drawn(figure)


def _draw_histograms(axes: Axes, values: Mapping[str, Numbers]) -> None:
    everything = np.concatenate(list(values.values()))
    low, high = np.percentile(everything, (0.1, 99.9))
    whole = bool((everything == np.rint(everything)).all())
    edges = np.arange(low - 0.5, high + 1) if whole else np.linspace(low, high + 1e-3, BINS)
    for part, own in values.items():
        axes.stairs(100 * np.histogram(own, edges)[0] / len(own), edges, label=part)


def matrix(values: Numbers, label: str) -> bytes:
    """Draw a square table of numbers between classes, dark where large, empty where none."""
    figure = new_figure(6, 5)
    axes = figure.subplots()
    shown = axes.imshow(values, cmap="Blues")
    for row, column in np.argwhere(~np.isnan(values)):
        value = values[row, column]
        dark = value > 0.6 * np.nanmax(values)
        color = "white" if dark else "black"
        axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=color, fontsize=8)
    axes.set(xticks=range(len(values)), yticks=range(len(values)), xlabel="class", ylabel="class")
    figure.colorbar(shown, label=label)
    return drawn(figure)


def page_picture(pages: Sequence[Page]) -> bytes:
    """Draw pages side by side, each digit framed and its label above it."""
    return cv2.imencode(".png", np.hstack([_labelled(page) for page in pages]))[1].tobytes()


def _labelled(page: Page) -> NDArray[np.uint8]:
    image = page.image.copy()
    for index in (member for number in page.numbers for member in number.members):
        box, label = page.characters[index].box, page.characters[index].label
        cv2.rectangle(image, (box.x - 2, box.y - 2), (box.right + 1, box.bottom + 1), BOX_COLOR)
        place = box.x, max(box.y - 4, 14)
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(image, label, place, font, 0.5, BOX_COLOR, 1, cv2.LINE_AA)
    return image
