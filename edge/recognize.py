"""The reader: an image in, a reading out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bundle import DEFAULT_BUNDLE, SEVERAL_CLASS, load_bundle
from .classify import Classifier
from .decode import Decoded, decode_bytes, decode_file, luma_of
from .frame import Box, Digit, Frame, GrayImage, Line, Reading, only_ones
from .ground import continues, ground_step, is_bump
from .mark_reader import MarkReader, Told
from .memory import keep_freed_memory
from .preprocess import find_ink, fit_frame
from .segment import Candidate, Marks, find_marks, group_lines, is_cut_out
from .settings import PreprocessSettings, Settings
from .strings import StringReader
from .tilt import box_back, estimate_tilt, is_inside, upright

FAINTER = 0.5
"""Where no digit is read, ink of this part of the usual contrast is looked at, such as blurred
strokes."""
AGAIN_CONFIDENCE, AGAIN_CUT_OUT = 0.95, 0.9
"""Digits of this confidence are read where a frame is looked at again; the last, where it is cut
out around a digit and no hand or shadow passes for one."""
RELAXATION = 0.4
"""Among digits a less certain one is read, unless the user has set the threshold."""
MAX_LEVEL_DEG = 8.0
"""Lines that are turned further are read from a frame that is turned back."""
LEVEL_ENOUGH = 0.9
"""Such a reading, whose lines are the better ones, is taken if its digits are so certain in sum,
as a part of the other's."""

MAX_GROUND_STEP = 0.4
"""Upright bars and marks that stand alone are read if the ground on their sides differs by less, as
a part of their contrast."""
CROWD, LIKE_CONTRAST, FAINT = 8, 0.5, 0.4
"""Ones fainter than the last, as a part of the brightest beside them, are not read where so many
times as many other marks have at least the second part of their contrast: grain, a weave."""


@dataclass(frozen=True)
class _Page:
    """A frame, turned or not, and the marks on it."""

    luma: GrayImage
    """(H, W) uint8."""
    ink: GrayImage
    """(H, W) uint8, not 0 where it is not bare."""
    marks: Marks
    light_on_dark: bool
    """Whether most of the ink was taken to be lighter than its ground."""


@dataclass(frozen=True)
class _Look:
    """What was read on a page."""

    lines: tuple[Line, ...]
    marks: int
    """Marks that were told, digits and others."""
    classify_s: float


class Recognizer:
    """Reads handwritten digits. Build it once; it holds the model. Not thread-safe.

    Args:
        model: The bundle, with or without suffix; the shipped one by default.
        settings: How to read; see ``default.toml``.

    Raises:
        ModelError: The bundle does not fit.
        RuntimeUnavailableError: No TFLite runtime is usable.
        SettingsError: A setting has an impossible value.
    """

    def __init__(
        self, model: str | os.PathLike[str] = DEFAULT_BUNDLE, settings: Settings | None = None
    ) -> None:
        self.settings = settings or Settings()
        self.settings.check()
        keep_freed_memory()
        self.bundle = load_bundle(Path(model))
        self.classifier = Classifier(self.bundle, self.settings.runtime, self.settings.threads)
        self.strings = self._string_reader()
        self._marks = MarkReader(self.classifier, self.bundle.classes, self.strings)
        chosen = self.settings.min_confidence
        self._min_confidence = self.bundle.min_confidence if chosen is None else chosen
        self._relaxation = RELAXATION if chosen is None else 1.0

    def _string_reader(self) -> StringReader | None:
        """Load the reader of touching digits, for networks that can tell that some touch."""
        if not self.settings.strings or SEVERAL_CLASS not in self.bundle.classes:
            return None
        bundle = load_bundle(Path(self.settings.strings))
        return StringReader(bundle, self.settings.runtime, self.settings.threads)

    def read(self, image: str | os.PathLike[str] | bytes | NDArray[Any]) -> Reading:
        """Read the digits in an image.

        Args:
            image: A path, the bytes of an image file, or an array: (H, W) or (H, W, 3) uint8,
                BGR as OpenCV gives it.

        Raises:
            ImageError: The image cannot be decoded or has another form.
        """
        start = perf_counter()
        frame = self.frame(image)
        decode_ms = (perf_counter() - start) * 1e3
        return self.read_frame(frame, decode_ms)

    def frame(self, image: str | os.PathLike[str] | bytes | NDArray[Any]) -> Frame:
        """Bring an image to the working resolution; arguments and errors are those of read."""
        size = self.settings.preprocess.work_size_px
        if isinstance(image, np.ndarray):
            luma = luma_of(image)
            decoded = Decoded(luma, luma.shape[1], luma.shape[0])
        elif isinstance(image, bytes):
            decoded = decode_bytes(image, "image", work_size_px=size)
        else:
            decoded = decode_file(Path(image), work_size_px=size)
        return fit_frame(decoded.luma, decoded.width, decoded.height, self.settings.preprocess)

    def read_frame(self, frame: Frame, decode_ms: float = 0.0) -> Reading:
        """Read a frame that is at the working resolution already."""
        start = perf_counter()
        page = self._page(frame.luma)
        look, back = self._look(page, self._min_confidence), None
        classify_s = look.classify_s
        again_confidence = max(
            AGAIN_CUT_OUT if is_cut_out(page.luma.shape) else AGAIN_CONFIDENCE, self._min_confidence
        )
        for settings in () if look.lines else self._other_looks(page):
            again = self._look(self._page(frame.luma, settings), again_confidence)
            classify_s += again.classify_s
            if again.lines:
                look = again
                break
        tilt = estimate_tilt([mark.box for mark in page.marks.digits])
        if abs(tilt) > MAX_LEVEL_DEG:
            turned, matrix = upright(frame.luma, tilt)
            inside = _inside(self._page(turned), frame, matrix)
            level = self._look(inside, self._min_confidence)
            classify_s += level.classify_s
            if _certainty(level.lines) > LEVEL_ENOUGH * _certainty(look.lines):
                look, back = level, matrix
        lines = _in_image(look.lines, frame, back)
        total_ms = (perf_counter() - start) * 1e3
        return Reading(
            lines=lines,
            rejected=look.marks - sum(len(line.digits) for line in lines),
            width=frame.width,
            height=frame.height,
            timing_ms={
                "decode": decode_ms,
                "segment": total_ms - classify_s * 1e3,
                "classify": classify_s * 1e3,
                "total": decode_ms + total_ms,
            },
            model=f"sha256:{self.bundle.sha256}",
        )

    def _page(self, luma: GrayImage, settings: PreprocessSettings | None = None) -> _Page:
        """Find the marks, by other settings than the user's if some are given."""
        ink = find_ink(luma, settings or self.settings.preprocess)
        marks = find_marks(ink, self.settings.segment)
        return _Page(luma, ink.mask, marks, ink.light_on_dark)

    def _other_looks(self, page: _Page) -> Iterator[PreprocessSettings]:
        """Yield how else to look at a page on which no digit is read."""
        usual = self.settings.preprocess
        if page.light_on_dark and usual.polarity == "auto":
            yield replace(usual, polarity="dark-on-light")
        if page.marks.digits or (is_cut_out(page.luma.shape) and page.ink.any()):
            yield usual.fainter(FAINTER)

    def _look(self, page: _Page, min_confidence: float) -> _Look:
        """Read a page."""
        told = self._marks.read(page.marks)
        lines = self._lines(page, told, min_confidence)
        return _Look(lines, len(told.candidates), told.seconds)

    def _lines(self, page: _Page, told: Told, min_confidence: float) -> tuple[Line, ...]:
        """Keep the digits that are certain enough, and put them in reading order."""
        confidences = told.digits.max(axis=1, initial=0)
        least = np.where(told.among_digits, self._relaxation * min_confidence, min_confidence)
        kept = (confidences >= told.likeliest) & (confidences >= least)
        read = {
            id(candidate): Digit(digit, confidence, candidate.box)
            for candidate, digit, confidence, keep in zip(
                told.candidates,
                told.digits.argmax(axis=1).tolist(),
                confidences.tolist(),
                kept.tolist(),
                strict=True,
            )
            if keep
        }
        others = [candidate for candidate in told.candidates if id(candidate) not in read]
        doubtful = np.flatnonzero((confidences >= told.likeliest) & ~kept).tolist()
        every = read | {id(told.candidates[i]): _untold(told, i) for i in doubtful}
        candidates = [candidate for candidate in told.candidates if id(candidate) in every]
        lines = []
        for row in group_lines(candidates, self.settings.segment):
            line = Line(tuple(every[id(candidate)] for candidate in row))
            sure = [candidate for candidate in row if id(candidate) in read]
            text = "".join(digit.text for digit in line.told)
            if sure and not _is_no_writing(text, sure, page, others, len(read)):
                lines.append(line)
        return tuple(lines)


def _untold(told: Told, index: int) -> Digit:
    """Return a mark that is likely a digit, but too uncertain which."""
    best, second = told.digits[index].argsort()[:-3:-1].tolist()
    ranked = ((i, float(told.digits[index, i])) for i in (best, second))
    return Digit(None, float(told.digits[index, best]), told.candidates[index].box, tuple(ranked))


def _is_no_writing(
    text: str, marks: list[Candidate], page: _Page, others: list[Candidate], digits: int
) -> bool:
    """Say whether a line of ones, or a single digit, is no writing.

    It stands between two grounds, is a piece of a ruled line, or one of many marks like it.

    Args:
        text: What is told of the line.
        marks: The digits that are.
        page: Where it stands.
        others: Marks of the page that are no digits.
        digits: How many of the page's marks are digits.
    """
    ones = only_ones(text)
    if is_cut_out(page.luma.shape) or (len(text) > 1 and not ones):  # there is no room for ground
        return False
    if max(ground_step(page.luma, page.ink, mark) for mark in marks) > MAX_GROUND_STEP:
        return True
    return ones and (
        _is_crowded(marks, others, digits, page.luma)
        or any(continues(page.luma, mark) or is_bump(page.luma, mark) for mark in marks)
    )


def _is_crowded(
    marks: list[Candidate], others: list[Candidate], digits: int, luma: GrayImage
) -> bool:
    """Say whether a line's marks are faint, and very many others like them are no digits."""
    if len(others) < CROWD * digits:
        return False
    contrasts = [int(mark.contrast.max()) for mark in marks]
    brightest = [int(mark.box.part_of(luma).max()) for mark in marks]
    if any(ink >= FAINT * full for ink, full in zip(contrasts, brightest, strict=True)):
        return False
    least = LIKE_CONTRAST * min(contrasts)
    return sum(int(mark.contrast.max()) >= least for mark in others) >= CROWD * digits


def _inside(page: _Page, frame: Frame, back: NDArray[np.float64]) -> _Page:
    """Leave out marks of a turned frame that lie beyond the frame, where its border goes on."""
    height, width = frame.luma.shape

    def kept(candidates: list[Candidate]) -> list[Candidate]:
        return [c for c in candidates if is_inside(c.box, back, width, height)]

    return replace(page, marks=Marks(kept(page.marks.digits), kept(page.marks.bits)))


def _certainty(lines: tuple[Line, ...]) -> float:
    return sum(digit.confidence for line in lines for digit in line.told)


def _in_image(
    lines: tuple[Line, ...], frame: Frame, back: NDArray[np.float64] | None
) -> tuple[Line, ...]:
    """Bring the boxes of the working resolution, turned or not, to the image as given."""
    height, width = frame.luma.shape
    if back is None and (width, height) == (frame.width, frame.height):
        return lines

    def place(box: Box) -> Box:
        if back is not None:
            box = box_back(box, back, width, height)
        return box.scaled(frame.width / width, frame.height / height, frame.width, frame.height)

    return tuple(
        Line(tuple(replace(digit, box=place(digit.box)) for digit in line.digits)) for line in lines
    )
