"""What is seen of what was written on a sheet: the truth about each pixel of a photograph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import Box, enclosing_box

from .page import Gray, Number, PageCharacter
from .sheet import FIRST_KIND, Sheet

Owners = NDArray[np.uint16]


def tell(
    label: Owners, sheet: Sheet
) -> tuple[Gray, Owners, tuple[PageCharacter, ...], tuple[Number, ...]]:
    """Say what is seen of a sheet.

    Args:
        label: (H, W) uint16, the sheet's labels as they lie in the photograph.
        sheet: What the labels stand for.

    Returns:
        Kind and owner of each pixel, as in Page, the characters that are seen, and the numbers.
    """
    written = sheet.characters
    places = np.flatnonzero((label > 0) & (label < FIRST_KIND))
    owners = label.ravel()[places]
    boxes = _boxes(places, owners, len(written), label.shape[1])
    index_of = {k: index for index, k in enumerate(sorted(boxes))}
    members: dict[int, list[int]] = {}
    for k in index_of:
        members.setdefault(written[k].number, []).append(k)
    order = [number for number in sheet.reading_order() if number in members]
    rank = {number: index for index, number in enumerate(order)}
    characters = tuple(
        PageCharacter(
            written[k].label, boxes[k], rank.get(written[k].number, -1), written[k].struck
        )
        for k in index_of
    )
    numbers = tuple(
        Number(
            "".join(written[k].label for k in members[number]),
            tuple(index_of[k] for k in members[number]),
            enclosing_box([boxes[k] for k in members[number]]),
        )
        for number in order
    )
    kinds = np.where(label >= FIRST_KIND, label - FIRST_KIND, 0).astype(np.uint8)
    kinds.ravel()[places] = np.array([0, *(each.kind for each in written)], np.uint8)[owners]
    new = np.array([0, *(index_of.get(k, -1) + 1 for k in range(len(written)))], np.uint16)
    shown = np.zeros(label.shape, np.uint16)
    shown.ravel()[places] = new[owners]
    return kinds, shown, characters, numbers


def _boxes(places: NDArray[np.intp], owners: Owners, count: int, width: int) -> dict[int, Box]:
    """Return the tight box of each character that has pixels, by its index.

    Args:
        places: Flat indices of the pixels, ascending.
        owners: 1 + index of the character of each.
        count: How many characters there are.
        width: Columns of the photograph.
    """
    boxes = {}
    places = places[np.argsort(owners, kind="stable")]
    ends = np.cumsum(np.bincount(owners, minlength=count + 1)).tolist()
    for k in range(count):
        mine = places[ends[k] : ends[k + 1]]
        if mine.size:
            columns = mine % width
            left, top = int(columns.min()), int(mine[0]) // width
            right, bottom = int(columns.max()), int(mine[-1]) // width
            boxes[k] = Box(left, top, right - left + 1, bottom - top + 1)
    return boxes
