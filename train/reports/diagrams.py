"""Charts of what a network made of images, and images with what it looked at, as PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..saliency import Heat, Images
from .page import PICTURE_DPI, drawn, new_figure

Colored = NDArray[np.uint8]
"""(H, W, 3) uint8, red, green, blue."""

FOR, AGAINST = np.array((230, 40, 30)), np.array((30, 110, 255))
"""Colours of what speaks for a class, and against it."""
STRENGTH = 0.75
"""Part of the colour where the heat is strongest."""
LEAST_SHARE = 0.1
"""Percent of a class that the darkest colour of a confusion stands for, at least."""
GAP_PX, GAP_LEVEL = 2, 150
ENLARGE = 3
"""Screen pixels a pixel of an image."""
NAME_PX, TITLE_PX = 120, 36
"""Room for the names of rows and columns."""


def confusion_chart(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> bytes:
    """Draw how often each class was read as each; what is off the diagonal is coloured.

    Args:
        counts: A row a true class, a column a class that was read.
        classes: Their names.
    """
    table = np.asarray(counts)
    there = table.any(axis=1)
    table, names = table[there], [name for name, some in zip(classes, there, strict=True) if some]
    right = np.asarray(classes)[None] == np.asarray(names)[:, None]
    shares = 100 * table / table.sum(axis=1, keepdims=True)
    most = max(float(shares[~right].max()), LEAST_SHARE)
    figure = new_figure(8.4, 0.42 * len(names) + 1.2)
    axes = figure.subplots()
    errors = np.where(right, np.nan, shares)
    shown = axes.imshow(errors, cmap="Reds", vmin=0, vmax=most, aspect="auto")
    for (row, column), count in np.ndenumerate(table):
        dark = not right[row, column] and shares[row, column] > 0.6 * most
        if count:
            look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8}
            axes.text(column, row, f"{count:,}", color="white" if dark else "black", **look)
    axes.set(xticks=range(len(classes)), yticks=range(len(names)), xlabel="read", ylabel="true")
    axes.set_xticklabels(classes)
    axes.set_yticklabels(names)
    figure.colorbar(shown, label="part of the true class, %")
    return drawn(figure)


def reliability_chart(rows: Sequence[Mapping[str, float]]) -> bytes:
    """Draw how often answers of a confidence are right, above how many there are.

    Args:
        rows: As ``evaluation.reliability`` makes them.
    """
    figure = new_figure(6, 5)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    left = [row["low"] for row in rows]
    wide = [row["high"] - row["low"] for row in rows]
    right, means = ([row[name] for row in rows] for name in ("accuracy", "confidence"))
    counts = [row["count"] for row in rows]
    edges: dict[str, Any] = {"align": "edge", "edgecolor": "white"}
    upper.bar(left, right, wide, label="right among the answers", **edges)
    upper.plot([0, 1], [0, 1], color="gray", linestyle="--", label="honest")
    upper.plot(means, right, "o", color="black", markersize=4, label="at their mean confidence")
    upper.set(ylabel="right", xlim=(0, 1), ylim=(0, 1.03))
    bars = lower.bar(left, counts, wide, color="gray", **edges)
    lower.bar_label(bars, [f"{count:,}" for count in counts], fontsize=7)
    lower.set(xlabel="confidence", ylabel="answers", yscale="log", ylim=(0.5, 10 * max(counts)))
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    return drawn(figure)


def heat_sheet(rows: Mapping[str, Sequence[Colored]], columns: Sequence[str]) -> bytes:
    """Draw coloured images of one size in named rows below named columns."""
    tiles = [[_framed(image) for image in row] for row in rows.values()]
    mosaic = np.vstack([np.hstack(row) for row in tiles])
    height, width = (ENLARGE * side for side in mosaic.shape[:2])
    side, top = width + NAME_PX, height + TITLE_PX
    figure = new_figure(side / PICTURE_DPI, top / PICTURE_DPI, laid_out=False)
    axes = figure.add_axes((NAME_PX / side, 0, width / side, height / top))
    axes.imshow(mosaic, interpolation="nearest", aspect="auto")
    across, down = (mosaic.shape[1] / len(columns), mosaic.shape[0] / len(rows))
    axes.set_xticks([across * (i + 0.5) for i in range(len(columns))], list(columns), fontsize=8)
    axes.set_yticks([down * (i + 0.5) for i in range(len(rows))], list(rows), fontsize=8)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    return drawn(figure)


def gray_images(images: Images) -> list[Colored]:
    """Return images as they are, in three colours."""
    return list(np.repeat(images[..., None], 3, axis=-1))


def heated_images(images: Images, heat: Heat) -> list[Colored]:
    """Lay heat over images, red for a class and blue against it."""
    part = STRENGTH * np.abs(heat)[..., None]
    color = np.where(heat[..., None] > 0, FOR, AGAINST)
    return list(((1 - part) * images[..., None] + part * color).round().astype(np.uint8))


def _framed(image: Colored) -> Colored:
    around = ((0, GAP_PX), (0, GAP_PX), (0, 0))
    return np.pad(image, around, constant_values=GAP_LEVEL)
