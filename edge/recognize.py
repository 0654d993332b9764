"""The reader: an image in, a reading out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bundle import DEFAULT_BUNDLE, DIGIT_CLASSES, REJECT_CLASS, SEVERAL_CLASS, load_bundle
from .classify import Classifier
from .crop import model_images
from .decode import Decoded, decode_bytes, decode_file, luma_of
from .frame import Box, Digit, Frame, GrayImage, Line, Reading, only_ones
from .ground import continues, ground_step, is_bump
from .lattice import Cluster, Group, best_path, build_groups, find_clusters
from .memory import keep_freed_memory
from .preprocess import find_ink, fit_frame
from .segment import SMALL_FRAME_PX, Candidate, Marks, find_marks, group_lines, group_words
from .settings import PreprocessSettings, Settings
from .strings import StringDigit, StringReader
from .tilt import box_back, estimate_tilt, is_inside, upright
from .words import Word, find_words, place_digits

NEVER_WIDE, ALWAYS_WIDE = 0.45, 1.5
"""Width over height of marks that are never and always parted."""
MIN_SEVERAL = 0.02
"""Marks between them are parted if they are several digits with this probability."""
CERTAIN = 0.9
"""Probability of a digit from which a mark is not joined with another."""
NUMBER_GAP, LETTER_GAP = 2.0, 0.8
"""Widest spaces in a number and in a word, in heights."""
AMONG_DIGITS, AMONG_OTHERS = 0.2, 0.02
"""What the odds of no digit among digits, and of a digit among others, are multiplied by."""
AMONG_PIECES = 2.0
"""What the odds of no digit are multiplied by for what was parted or joined: the network is not
taught what halves of digits are."""
FAINTER = 0.5
"""Where no digit is read, ink of this part of the usual contrast is looked at, such as blurred
strokes."""
AGAIN_CONFIDENCE = 0.95
"""Digits of this confidence are read where a frame is looked at again."""
MOSTLY_DIGITS = 0.5
"""Probability, on average over a word's marks, that each is one or several digits, from which the
word is read as a string."""
DOUBTFUL = 0.05, 0.995
"""Marks that are a digit with a probability between them are shown to the reader of strings too."""
LEAST = 1e-6
"""Probabilities are taken for no smaller ones before their logarithms are."""
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
class _Found:
    """What was found on a page, digits and others."""

    page: _Page
    candidates: list[Candidate]
    probabilities: NDArray[np.float32]
    """(N, classes)."""
    among_digits: NDArray[np.bool_]
    """(N,) whether each stands in a word of digits."""
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
        chosen = self.settings.min_confidence
        self._min_confidence = self.bundle.min_confidence if chosen is None else chosen
        self._relaxation = RELAXATION if chosen is None else 1.0
        self._digits = [self.bundle.classes.index(name) for name in DIGIT_CLASSES]
        self._others = [i for i, n in enumerate(self.bundle.classes) if n not in DIGIT_CLASSES]
        self._none = [i for i, n in enumerate(self.bundle.classes) if n == REJECT_CLASS]
        self._several = [i for i, n in enumerate(self.bundle.classes) if n == SEVERAL_CLASS]

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
        found = self._classify(page)
        classify_s = found.classify_s
        lines = self._lines(found, self._min_confidence)
        back = None
        for settings in () if lines else self._other_looks(page):
            again = self._classify(self._page(frame.luma, settings))
            classify_s += again.classify_s
            lines = self._lines(again, max(AGAIN_CONFIDENCE, self._min_confidence))
            if lines:
                found = again
                break
        tilt = estimate_tilt([mark.box for mark in page.marks.digits])
        if abs(tilt) > MAX_LEVEL_DEG:
            turned, matrix = upright(frame.luma, tilt)
            level = self._classify(_inside(self._page(turned), frame, matrix))
            classify_s += level.classify_s
            level_lines = self._lines(level, self._min_confidence)
            if _certainty(level_lines) > LEVEL_ENOUGH * _certainty(lines):
                found, lines, back = level, level_lines, matrix
        lines = _in_image(lines, frame, back)
        total_ms = (perf_counter() - start) * 1e3
        return Reading(
            lines=lines,
            rejected=len(found.candidates) - sum(len(line.digits) for line in lines),
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
        if page.marks.digits:
            yield usual.fainter(FAINTER)

    def _classify(self, page: _Page) -> _Found:
        """Classify marks in one batch, then those in doubt, words, and what may be parted."""
        marks = page.marks
        images = model_images([mark.contrast for mark in marks.digits])
        start = perf_counter()
        probabilities = self.classifier.probabilities(images)
        classify_s = perf_counter() - start
        clusters = self._clusters(marks, probabilities)
        words = self._words(marks, clusters, probabilities)
        in_words = {i for word in words for i in word.members}
        rest = [each for each in clusters if in_words.isdisjoint(each.digits)]
        groups = build_groups(marks, rest)
        grouped = in_words.union(*(group.members for group in groups))
        kept = [i for i in range(len(marks.digits)) if i not in grouped]
        candidates = [marks.digits[i] for i in kept]
        start = perf_counter()
        probabilities = self._second_opinion(candidates, probabilities[kept])
        classify_s += perf_counter() - start
        if self.strings and words:
            start = perf_counter()
            strings = self.strings.read([word.contrast for word in words])
            classify_s += perf_counter() - start
            for word, digits in zip(words, strings, strict=True):
                candidates += place_digits(word, [each.place for each in digits])
                probabilities = np.concatenate([probabilities, self._of_string(digits)])
        if groups:
            runs = [each.candidate for group in groups for each in group.hypotheses]
            images = model_images([run.contrast for run in runs])
            start = perf_counter()
            of_runs = self.classifier.probabilities(images)
            classify_s += perf_counter() - start
            chosen = self._best_runs(groups, of_runs)
            candidates += [runs[i] for i in chosen]
            of_runs[:, self._others] *= AMONG_PIECES
            of_runs /= of_runs.sum(axis=1, keepdims=True)
            probabilities = np.concatenate([probabilities, of_runs[chosen]])
        in_context = self._in_context(candidates, probabilities)
        return _Found(page, candidates, *in_context, classify_s)

    def _words(
        self, marks: Marks, clusters: list[Cluster], probabilities: NDArray[np.float32]
    ) -> list[Word]:
        """Return the words that hold clusters and whose marks are, for the most part, digits."""
        if self.strings is None:
            return []
        written = probabilities[:, self._digits + self._several].sum(axis=1)
        words = find_words(marks, [each.digits for each in clusters])
        return [word for word in words if written[word.members].mean() >= MOSTLY_DIGITS]

    def _second_opinion(
        self, candidates: list[Candidate], probabilities: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Show marks in doubt to the reader of strings too, and go by both networks alike.

        What both say is pooled by the geometric mean (logarithmic opinion pool; Genest and Zidek
        1986, "Combining Probability Distributions").
        """
        digit = probabilities[:, self._digits].max(axis=1, initial=0)
        low, high = DOUBTFUL
        doubtful = np.flatnonzero((digit > low) & (digit < high))
        if self.strings is None or not len(doubtful):
            return probabilities
        opinions = self.strings.opinions([candidates[i].contrast for i in doubtful])
        other = np.full((len(doubtful), len(self.bundle.classes)), LEAST, np.float32)
        other[:, self._digits] = opinions[:, 1:-1]
        other[:, self._none] = opinions[:, :1]
        other[:, self._several] = opinions[:, -1:]
        pooled = np.sqrt(np.maximum(probabilities[doubtful], LEAST) * np.maximum(other, LEAST))
        probabilities[doubtful] = pooled / pooled.sum(axis=1, keepdims=True)
        return probabilities

    def _of_string(self, digits: Sequence[StringDigit]) -> NDArray[np.float32]:
        """Return the digits of a string as rows of the classifier's classes."""
        rows = np.zeros((len(digits), len(self.bundle.classes)), np.float32)
        for row, each in zip(rows, digits, strict=True):
            blank, *digit = each.probabilities
            row[self._others] = blank / max(len(self._others), 1)
            row[self._digits] = digit
        return rows

    def _in_context(
        self, candidates: list[Candidate], probabilities: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Weigh what stands in one word together.

        Among digits a mark is more likely a digit; among marks that are none it is a letter.

        Returns:
            The probabilities, and whether each mark stands among digits.
        """
        among_digits = np.zeros(len(candidates), bool)
        digit = probabilities[:, self._digits].max(axis=1, initial=0)
        certain, other = digit >= CERTAIN, digit < 1 - CERTAIN
        if certain.all():
            return probabilities, among_digits
        for number in group_words(candidates, NUMBER_GAP) if certain.sum() > 1 else ():
            if certain[number].sum() >= 2 * max(other[number].sum(), 1):
                probabilities[np.ix_(number, self._others)] *= AMONG_DIGITS
                among_digits[number] = True
        for word in group_words(candidates, LETTER_GAP) if other.sum() > 1 else ():
            if other[word].sum() >= 2 * max(certain[word].sum(), 1):
                probabilities[np.ix_(word, self._digits)] *= AMONG_OTHERS
        return probabilities / probabilities.sum(axis=1, keepdims=True), among_digits

    def _clusters(self, marks: Marks, probabilities: NDArray[np.float32]) -> list[Cluster]:
        """Find what may be several digits, and what may be parts of one."""
        certain = probabilities[:, self._digits].max(axis=1, initial=0)
        several = probabilities[:, self._several].sum(axis=1)
        aspects = [mark.box.width / mark.box.height for mark in marks.digits]
        wide = [
            aspect > ALWAYS_WIDE or (aspect > NEVER_WIDE and likely >= MIN_SEVERAL)
            for aspect, likely in zip(aspects, several.tolist(), strict=True)
        ]
        doubtful = (certain < CERTAIN).tolist()
        if not marks.bits and not any(wide) and not any(doubtful):
            return []
        return find_clusters(marks, wide.__getitem__, doubtful.__getitem__)

    def _best_runs(self, groups: list[Group], probabilities: NDArray[np.float32]) -> list[int]:
        """Return the runs of all groups that are on their group's best path."""
        digit = probabilities[:, self._digits].max(axis=1, initial=0)
        scores = np.log(np.maximum(digit, LEAST)).tolist()
        chosen: list[int] = []
        start = 0
        for group in groups:
            end = start + len(group.hypotheses)
            chosen += [start + i for i in best_path(group, scores[start:end])]
            start = end
        return chosen

    def _lines(self, found: _Found, min_confidence: float) -> tuple[Line, ...]:
        """Keep the digits that are certain enough, and put them in reading order."""
        digits = found.probabilities[:, self._digits]
        likeliest = digits.argmax(axis=1).tolist()
        confidences = digits.max(axis=1, initial=0)
        is_digit = confidences >= found.probabilities.max(axis=1, initial=0)
        least = np.where(found.among_digits, self._relaxation * min_confidence, min_confidence)
        kept = (is_digit & (confidences >= least)).tolist()
        read = {
            id(candidate): Digit(digit, confidence, candidate.box)
            for candidate, digit, confidence, keep in zip(
                found.candidates, likeliest, confidences.tolist(), kept, strict=True
            )
            if keep
        }
        candidates = [candidate for candidate in found.candidates if id(candidate) in read]
        rows = group_lines(candidates, self.settings.segment)
        lines = [Line(tuple(read[id(candidate)] for candidate in row)) for row in rows]
        return tuple(
            line
            for line, row in zip(lines, rows, strict=True)
            if not _is_no_writing(line.text, row, found.page)
        )


def _is_no_writing(text: str, marks: list[Candidate], page: _Page) -> bool:
    """Say whether a line of ones, or a single digit, is no writing.

    It stands between two grounds, or is a piece of a ruled line.
    """
    cut_out = min(page.luma.shape) < SMALL_FRAME_PX  # around a digit: no room for ground
    ones = only_ones(text)
    if cut_out or (len(text) > 1 and not ones):
        return False
    if max(ground_step(page.luma, page.ink, mark) for mark in marks) > MAX_GROUND_STEP:
        return True
    return ones and any(continues(page.luma, mark) or is_bump(page.luma, mark) for mark in marks)


def _inside(page: _Page, frame: Frame, back: NDArray[np.float64]) -> _Page:
    """Leave out marks of a turned frame that lie beyond the frame, where its border goes on."""
    height, width = frame.luma.shape

    def kept(candidates: list[Candidate]) -> list[Candidate]:
        return [c for c in candidates if is_inside(c.box, back, width, height)]

    return replace(page, marks=Marks(kept(page.marks.digits), kept(page.marks.bits)))


def _certainty(lines: tuple[Line, ...]) -> float:
    return sum(digit.confidence for line in lines for digit in line.digits)


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
        Line(tuple(Digit(d.digit, d.confidence, place(d.box)) for d in line.digits))
        for line in lines
    )
