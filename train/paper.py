"""Real ink: marks cut from photographs of handwriting, and which are never trained on.

The photographs are optional. A folder of them holds ``amounts/``, ``characters/``, ``cells.npz``
and ``glyphs.npz``; each is used where it is there. The marks are those that the device finds, joins
and parts; they come as glyphs that are laid out as MNIST's digits are and are distorted like them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import DIGIT_CLASSES, REJECT_CLASS, SEVERAL_CLASS
from digitcam.edge.frame import Box, Frame, GrayImage
from digitcam.edge.lattice import build_groups, find_clusters
from digitcam.edge.preprocess import Ink, find_ink, fit_frame
from digitcam.edge.recognize import FAINTER
from digitcam.edge.segment import Candidate, find_marks
from digitcam.edge.settings import PreprocessSettings, SegmentSettings

from .errors import DataError

CLASSES = (*DIGIT_CLASSES, REJECT_CLASS, SEVERAL_CLASS)
"""What labels stand for, in order."""
REJECT, SEVERAL = CLASSES.index(REJECT_CLASS), CLASSES.index(SEVERAL_CLASS)

LOOK_ALIKE = frozenset("OoDQlIiJjZzSsbGBgqyY")
"""Letters that a digit is often written like; a reader may take either for the other."""

LIKE_DIGITS = Path(__file__).parent / "like_digits.txt"
"""Characters of glyphs.npz, by index, that are shaped like digits: a network took them for some."""

GLYPH_PX, GLYPH_CONTENT_PX = 28, 20
"""Glyphs are laid out as MNIST's digits are."""
SAME = 0.65
"""Intersection over union from which a mark may be the digit that stands there."""
COVERED = 0.7
"""Part of a digit's width and height that a mark has if the digit is in it."""
REACHED, WIDER = 0.3, 1.25
"""Part of another digit's box, and width in widths of its own digit, of a mark that reaches out."""
BESIDE = 0.1
"""Most of a mark that lies in a digit's box, if it is no piece of the digit."""
SMALL = 0.35
"""Lower pieces, in heights of their digit, are bits."""
WHOLE = 0.6
"""Intersection over union of a lone character's mark and all ink of its picture, at least."""
MIN_CUT = 0.45
"""A mark this wide, in its heights, is cut for training; the device cuts what is doubtful."""
BAR = 0.28
"""What is narrower, in its heights, may pass for a 1 and is not taught as no digit."""


@dataclass(frozen=True)
class PaperData:
    """Marks cut from photographs."""

    glyphs: NDArray[np.uint8]
    """(N, 28, 28) white ink on black."""
    labels: NDArray[np.uint8]
    """(N,) indices of CLASSES."""

    def digits(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the glyphs and labels of those that are one digit."""
        chosen = self.labels < REJECT
        return self.glyphs[chosen], self.labels[chosen]

    def digest(self) -> str:
        """Return ``sha256:`` and a hash of everything."""
        content = hashlib.sha256(self.glyphs.tobytes() + self.labels.tobytes())
        return f"sha256:{content.hexdigest()}"


Part = Literal["training", "calibration", "held-back"]


def part_of(name: str) -> Part:
    """Say what a photograph is used for: a fixed fifth is only measured on, by the name's hash.

    A twentieth is not trained on either; the confidence is calibrated on it.

    Args:
        name: ``amounts/FILE``, ``characters/CLASS/FILE``, ``forms/FILE``, or
            ``cells/KIND/INDEX`` with KIND ``handwritten``, ``printed``, ``empty`` or ``notes`` and
            the index in its array.
    """
    number = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    if number % 5 == 0:
        return "held-back"
    return "calibration" if number % 20 == 1 else "training"


def load_paper(folder: Path, part: Part = "training") -> PaperData:
    """Return the marks of the photographs in ``folder`` that are used for something.

    Raises:
        DataError: None of the sets is there, or one is damaged.
    """
    try:
        found = [
            *_from_characters(folder / "characters", part),
            *_from_cells(folder / "cells.npz", part),
            *_from_amounts(folder / "amounts", part),
            *_from_alphabets(folder / "glyphs.npz", part),
        ]
    except (OSError, ValueError, LookupError, cv2.error) as error:
        raise DataError(f"{folder}: a set of photographs is damaged: {error}") from error
    if not found:
        raise DataError(
            f"{folder}: expected amounts/, characters/, cells.npz or glyphs.npz, found none; give "
            "the folder of the photographs"
        )
    glyphs, labels = zip(*found, strict=True)
    return PaperData(np.stack(glyphs), np.array(labels, np.uint8))


def all_hypotheses(ink: Ink) -> list[Candidate]:
    """Return every mark and every run of pieces that the device might take for a digit."""
    marks = find_marks(ink, SegmentSettings())
    wide = [mark.box.width > MIN_CUT * mark.box.height for mark in marks.digits]
    clusters = find_clusters(marks, wide.__getitem__, lambda _: True)
    groups = build_groups(marks, clusters)
    runs = [each.candidate for group in groups for each in group.hypotheses]
    seen = {mark.box for mark in marks.digits}
    return [*marks.digits, *(run for run in runs if run.box not in seen)]


def labels_of(boxes: Sequence[Box], digits: Sequence[tuple[Box, int]]) -> list[int | None]:
    """Return what marks are, given the digits that are written; None where it cannot be said.

    Of all marks that might be a digit, the one that fits its box best is. What holds the middles of
    two is several, and so is what reaches into the digit beside. What lies beside digits, and small
    bits of them, are none. Larger pieces are left open: half a 0 may pass for a 1, half an 8 for
    a 0.
    """
    if not boxes or not digits:
        return [_other_label(box, []) for box in boxes]
    places = [place for place, _ in digits]
    fits = _fits(boxes, places)
    best = fits.max(axis=0)
    labels: list[int | None] = []
    for box, row in zip(boxes, fits, strict=True):
        closest = int(row.argmax())
        if row[closest] >= SAME and row[closest] == best[closest]:
            labels.append(digits[closest][1])
        else:
            labels.append(_other_label(box, [places[i] for i in np.flatnonzero(row)]))
    return labels


def _other_label(box: Box, places: Sequence[Box]) -> int | None:
    """Return what a mark is that is not the best one of a digit, given the digits it overlaps."""
    held = [place for place in places if _holds_middle(box, place)]
    if len(held) > 1 or (held and _reaches_beyond(box, held[0], places)):
        return SEVERAL if box.width > MIN_CUT * box.height else None
    if held or box.width < BAR * box.height:
        return None
    shared = [place for place in places if box.intersection(place) > BESIDE * box.area]
    is_piece = any(box.height >= SMALL * place.height for place in shared)
    return None if is_piece else REJECT


def _holds_middle(box: Box, place: Box) -> bool:
    """Say whether a mark stands over the middle of a digit's box and is not a piece of it."""
    x, y = place.x + place.width / 2, place.center_y
    over = box.x < x < box.right and box.y < y < box.bottom
    return over and box.height >= COVERED * place.height and box.width >= COVERED * place.width


def _reaches_beyond(box: Box, own: Box, places: Sequence[Box]) -> bool:
    """Say whether a mark is wider than its digit and holds a part of another, too."""
    return box.width >= WIDER * own.width and any(
        box.intersection(place) - own.intersection(place) >= REACHED * place.area
        for place in places
        if place != own
    )


def to_glyph(contrast: GrayImage) -> GrayImage:
    """Fit a mark's contrast into 20 x 20 px, centred on 28 x 28, strongest ink 255."""
    peak = max(cv2.norm(contrast, cv2.NORM_INF), 1)
    x, y, width, height = cv2.boundingRect((contrast > 0.2 * peak).view(np.uint8))
    scale = GLYPH_CONTENT_PX / max(width, height)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(contrast[y : y + height, x : x + width], size, interpolation=interpolation)
    glyph = np.zeros((GLYPH_PX, GLYPH_PX), np.uint8)
    left, top = (GLYPH_PX - size[0]) // 2, (GLYPH_PX - size[1]) // 2
    glyph[top : top + size[1], left : left + size[0]] = cv2.convertScaleAbs(small, alpha=255 / peak)
    return glyph


def read_gray(file: Path) -> GrayImage:
    """Read a photograph: (H, W) uint8, 0 black.

    Raises:
        ValueError: It is none.
    """
    image = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise ValueError(f"{file} is no picture")
    return image  # type: ignore[return-value]


def ink_of(image: NDArray[np.uint8], fainter: float = 1.0) -> tuple[Frame, Ink]:
    """Bring a photograph to the working resolution and separate its ink, as the device does.

    Args:
        image: (H, W) or (H, W, 3) uint8, BGR.
        fainter: Part of the usual relative contrast from which a pixel is ink.
    """
    luma: GrayImage = (
        cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image  # type: ignore[assignment]
    )
    frame = fit_frame(luma, luma.shape[1], luma.shape[0], PreprocessSettings())
    return frame, find_ink(frame.luma, PreprocessSettings().fainter(fainter))


def _from_characters(folder: Path, part: Part) -> Iterator[tuple[GrayImage, int]]:
    """One character a picture: the mark or run of pieces that holds nearly all of its ink."""
    for file in sorted(folder.glob("*/*.*")):
        name = file.parent.name
        sign = name[-1].upper() if name.startswith("upper") else name[-1]
        if part_of(f"characters/{name}/{file.name}") != part or sign in LOOK_ALIKE:
            continue
        image = read_gray(file)
        whole = _only_mark(image) or _only_mark(image, FAINTER)
        if whole:
            yield to_glyph(whole.contrast), int(sign) if sign.isdigit() else REJECT


def _only_mark(image: GrayImage, fainter: float = 1.0) -> Candidate | None:
    """Return the mark or run of pieces around nearly everything that looks like ink."""
    _, ink = ink_of(image, fainter)
    found = all_hypotheses(ink)
    if not found:
        return None
    largest = max(found, key=lambda c: c.box.area)
    x, y, width, height = cv2.boundingRect(ink.mask)
    fit = _fits([largest.box], [Box(x, y, width, height)])[0, 0]
    return largest if fit >= WHOLE else None


def _from_cells(file: Path, part: Part) -> Iterator[tuple[GrayImage, int]]:
    """Cells of a grid: the digit in the middle, and what is left of the grid around it."""
    if not file.exists():
        return
    with np.load(file) as archive:
        written, labels, empty = (archive[k] for k in ("x_handwritten", "y_handwritten", "x_empty"))
    for index, (image, label) in enumerate(zip(written, labels, strict=True)):
        if part_of(f"cells/handwritten/{index}") != part:
            continue
        frame, ink = ink_of(image)
        side = frame.luma.shape[0]
        middle = [c for c in all_hypotheses(ink) if _is_whole(c.box, side)]
        if middle:
            yield to_glyph(max(middle, key=lambda c: c.box.area).contrast), int(label)
    for index, image in enumerate(empty):
        if part_of(f"cells/empty/{index}") == part:
            for candidate in all_hypotheses(ink_of(image)[1]):
                if candidate.box.width >= BAR * candidate.box.height:
                    yield to_glyph(candidate.contrast), REJECT


def _is_whole(box: Box, side: int) -> bool:
    """Say whether a mark stands in the middle of its cell and does not reach the cell's frame."""
    x, y = box.x + box.width / 2, box.center_y
    inside = min(box.x, box.y, side - box.right, side - box.bottom) > 2
    central = abs(x - side / 2) < 0.2 * side and abs(y - side / 2) < 0.2 * side
    return inside and central and box.height > 0.25 * side


def _from_amounts(folder: Path, part: Part) -> Iterator[tuple[GrayImage, int]]:
    """Numbers with a box a digit: digits, pieces of them, and several at once."""
    file = folder / "truth.json"
    truth = json.loads(file.read_text()) if file.exists() else {}
    for name, entry in sorted(truth.items()):
        if part_of(f"amounts/{name}") != part or "boxes" not in entry:
            continue
        frame, ink = ink_of(read_gray(folder / name))
        scale = frame.luma.shape[1] / frame.width
        digits = [(Box(*(round(v * scale) for v in b[:4])), int(b[4])) for b in entry["boxes"]]
        found = all_hypotheses(ink)
        for candidate, label in zip(found, labels_of([c.box for c in found], digits), strict=True):
            if label is not None:
                yield to_glyph(candidate.contrast), label


def _from_alphabets(file: Path, part: Part) -> Iterator[tuple[GrayImage, int]]:
    """Characters of other alphabets."""
    if not file.exists():
        return
    with np.load(file) as archive:
        images = archive["x"]
    like_digits = {int(word) for word in LIKE_DIGITS.read_text().split() if word.isdecimal()}
    for index, image in enumerate(images):
        if part_of(f"glyphs/{index}") == part and index not in like_digits:
            yield to_glyph(image), REJECT


def _fits(boxes: Sequence[Box], places: Sequence[Box]) -> NDArray[np.float64]:
    """Return (boxes, places) intersections over union."""
    ours, theirs = (
        np.array([(box.x, box.y, box.right, box.bottom) for box in part])
        for part in (boxes, places)
    )
    low = np.maximum(ours[:, None, :2], theirs[:, :2])
    high = np.minimum(ours[:, None, 2:], theirs[:, 2:])
    both = np.maximum(high - low, 0).prod(axis=2)
    own, other = ((part[:, 2:] - part[:, :2]).prod(axis=1) for part in (ours, theirs))
    fits: NDArray[np.float64] = both / (own[:, None] + other - both)
    return fits
