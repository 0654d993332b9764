"""What the reader of words sees in an epoch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from digitcam.edge.reading.word_image import word_fingerprint, word_image

from ..data import DigitData
from ..epochs import Job
from ..errors import DataError
from ..paper import Part, part_of
from ..pens.bitmaps import split_hands
from ..pens.drawn import drawn_hand
from ..pens.hand import Hand
from ..pens.hands import load_hands
from ..pens.pen import random_pen
from ..pens.strokes import StrokePack, load_strokes
from ..pens.writing import string_writing
from .distort import distort
from .page_words import PageWords
from .photographs import Photographed, digest_of, load_numbers, splice
from .recipe import StringFeedSettings
from .sample import MAX_DIGITS, Samples, Word, readable, stacked
from .written import HEIGHT_PX, Ink, Writers

STRINGS = "strokes/unipen_strings.npz"
"""Numbers with their writers' own spaces, never trained on."""
SPLICED = 0.5
"""Share of the numbers of photographs that are put together from parts of such."""
MAX_FAILURES = 2000
"""Words in a row that do not fit an image, after which no other is made."""


@dataclass(frozen=True, eq=False)
class Material:
    """What words are made of.

    Args:
        digits: MNIST, for where no folder has it.
        folder: Real handwriting, see CONTRIBUTING.md; perhaps none.
        part: What the words are for; hands and photographs are of that part alone.
        without: Sources that are left out.
    """

    digits: DigitData
    folder: Path | None = None
    part: Part = "training"
    without: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """Send another process what to load, and not what is loaded: hands hold functions."""
        return type(self), (self.digits, self.folder, self.part, self.without)

    @cached_property
    def hands(self) -> tuple[Hand, ...]:
        """Who writes."""
        if self.folder:
            hands = load_hands(self.folder, self.without, optional=True)
        else:
            hands = [drawn_hand()] if "drawn" not in self.without else []
        if "mnist" not in {hand.source for hand in hands} | set(self.without):
            labels = list(map(str, self.digits.y_train.tolist()))
            hands += split_hands("mnist", list(self.digits.x_train), labels)
        return tuple(hand for hand in hands if part_of(f"hands/{hand.name}") == self.part)

    @property
    def has_photographs(self) -> bool:
        """Whether there are numbers of photographs."""
        if not self.folder or "amounts" in self.without:
            return False
        return (self.folder / "amounts").is_dir()

    @cached_property
    def numbers(self) -> tuple[Photographed, ...]:
        """Numbers of photographs."""
        if not self.folder or not self.has_photographs:
            return ()
        return load_numbers(self.folder, self.part)

    def digest(self) -> str:
        """Return ``sha256:`` and a hash of who writes and what is photographed."""
        content = hashlib.sha256(digest_of(self.numbers).encode())
        for hand in self.hands:
            content.update(f"{hand.name} {''.join(sorted(hand.characters))}\n".encode())
        return f"sha256:{content.hexdigest()}"


@dataclass(frozen=True, eq=False)
class StringSource:
    """Makes words.

    Args:
        material: What they are made of.
        settings: What an epoch is made of.
    """

    material: Material
    settings: StringFeedSettings

    def __reduce__(self) -> tuple[Any, ...]:
        """Send another process no more than what to load."""
        return type(self), (self.material, self.settings)

    @property
    def amounts(self) -> Mapping[str, int]:
        """Samples of each kind in an epoch."""
        kinds = ("written", "pages", "photographed", "nothing")
        amounts = {kind: int(getattr(self.settings, kind)) for kind in kinds}
        if not self.material.has_photographs:
            amounts["photographed"] = 0
        return amounts

    @property
    def samples(self) -> int:
        """Samples of an epoch."""
        return sum(self.amounts.values())

    def digest(self) -> str:
        """Return a hash of everything that the samples come from."""
        settings = json.dumps([asdict(self.settings), word_fingerprint()])
        return hashlib.sha256(f"{settings}{self.material.digest()}".encode()).hexdigest()

    def make(self, job: Job) -> Samples:
        """Return the samples of a job.

        Raises:
            DataError: What is made of the material does not fit an image.
        """
        rng = np.random.default_rng(job.seed)
        made: list[Word] = []
        words = self._words(job.kind, rng)
        failures = 0
        while len(made) < job.count:
            word = next(words)
            fits = readable(word) and min(word[0].shape) > 3
            if fits:
                made.append(word)
            failures = 0 if fits else failures + 1
            if failures == MAX_FAILURES:
                raise DataError(
                    f"expected words of at most {MAX_DIGITS} digits that fit an image, found "
                    f"none in {MAX_FAILURES} of kind {job.kind!r}; leave them out with "
                    f"--{job.kind} 0, or give other data"
                )
        return stacked(made)

    def _words(self, kind: str, rng: np.random.Generator) -> Iterator[Word]:
        if kind == "pages":
            return self._pages.with_digits(rng)
        if kind == "nothing":
            return self._pages.without_digits(rng)
        return self._distorted(kind, rng)

    def _distorted(self, kind: str, rng: np.random.Generator) -> Iterator[Word]:
        while True:
            ink, digits = self._writers.write(rng) if kind == "written" else self._photograph(rng)
            if min(ink.shape) < 4:
                continue
            yield distort(ink, rng, self.settings.distortion), digits

    def _photograph(self, rng: np.random.Generator) -> Ink:
        numbers = self.material.numbers
        if not numbers:
            raise DataError(
                f"{self.material.folder}: expected numbers in amounts/, found none for "
                f"{self.material.part}; leave them out with --photographed 0"
            )
        if rng.random() < SPLICED:
            return splice(numbers, rng)
        number = numbers[int(rng.integers(len(numbers)))]
        return number.ink, number.digits

    @cached_property
    def _writers(self) -> Writers:
        return Writers(self.material.hands)

    @cached_property
    def _pages(self) -> PageWords:
        return PageWords(self.material.hands)


def plain_photographs(numbers: Sequence[Photographed]) -> Samples:
    """Return the numbers of photographs as the device sees them."""
    words = [(word_image(each.marks), each.digits) for each in numbers]
    return stacked([word for word in words if readable(word)])


def unipen_numbers(folder: Path | None, settings: StringFeedSettings, seed: int) -> Samples:
    """Return UNIPEN's numbers, written once each with any pen."""
    file = folder / STRINGS if folder else None
    if not file or not file.exists():
        return stacked([])
    pack = load_strokes(file)
    words = [
        _recorded(pack, i, np.random.default_rng((seed, i)), settings) for i in range(len(pack))
    ]
    return stacked([word for word in words if word and readable(word)])


def _recorded(
    pack: StrokePack, index: int, rng: np.random.Generator, settings: StringFeedSettings
) -> Word | None:
    writing = string_writing(pack, index, HEIGHT_PX, random_pen(rng), rng)
    if writing is None or min(writing.ink.shape) < 4:
        return None
    return distort(writing.ink, rng, settings.distortion), tuple(map(int, writing.text))
