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

from ..epochs import Job
from ..errors import DataError
from ..paper import Part
from ..pens.bitmaps import split_hands
from ..pens.hand import Hand
from ..pens.pen import random_pen
from ..pens.strokes import StrokePack, load_strokes
from ..pens.writing import string_writing
from ..writers import Labelled, Writers
from .distort import distort
from .page_words import PageWords
from .photographs import Photographed, digest_of, load_numbers, splice
from .recipe import StringDistortion, StringFeedSettings
from .sample import MAX_DIGITS, Samples, Word, readable, stacked
from .written import HEIGHT_PX, Ink, NumberWriter

AMOUNTS = "amounts"
"""The source that photographs of numbers are."""
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
        mnist: Digits of MNIST of the part.
        writers: Where the other hands come from, and in whose folder photographs are.
        part: What the words are for; hands and photographs are of that part alone.
    """

    mnist: Labelled
    writers: Writers
    part: Part = "training"

    def __reduce__(self) -> tuple[Any, ...]:
        """Send another process what to load, and not what is loaded: hands hold functions."""
        return type(self), (self.mnist, self.writers, self.part)

    @property
    def photographs(self) -> Path | None:
        """Folder with numbers of photographs, if there are any."""
        folder = self.writers.folder
        if not folder or AMOUNTS in self.writers.without or not (folder / AMOUNTS).is_dir():
            return None
        return folder

    @cached_property
    def hands(self) -> tuple[Hand, ...]:
        """Who writes."""
        return tuple(self.writers.hands(self.part, self.mnist))

    @cached_property
    def numbers(self) -> tuple[Photographed, ...]:
        """Numbers of photographs."""
        return load_numbers(self.photographs, self.part) if self.photographs else ()

    def digest(self) -> str:
        """Return ``sha256:`` and a hash of everything."""
        content = hashlib.sha256(digest_of(self.numbers).encode())
        content.update(self.writers.digest().encode())
        for array in self.mnist:
            content.update(array.tobytes())
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
        if not self.material.photographs:
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
        if rng.random() < SPLICED:
            return splice(numbers, rng)
        number = numbers[int(rng.integers(len(numbers)))]
        return number.ink, number.digits

    @cached_property
    def _writers(self) -> NumberWriter:
        return NumberWriter(self.material.hands)

    @cached_property
    def _pages(self) -> PageWords:
        return PageWords(self.material.hands)


def plain_photographs(numbers: Sequence[Photographed]) -> Samples:
    """Return the numbers of photographs as the device sees them."""
    words = [(word_image(each.marks), each.digits) for each in numbers]
    return stacked([word for word in words if readable(word)])


def written_numbers(digits: Labelled, count: int, seed: int) -> Samples:
    """Return numbers written with pictures of digits, the same each time."""
    x, y = digits
    writer = NumberWriter(split_hands("mnist", list(x), list(map(str, y.tolist()))))
    rng = np.random.default_rng(seed)
    words: list[Word] = []
    while len(words) < count:
        ink, told = writer.write(rng)
        word = distort(ink, rng, StringDistortion()), told
        if readable(word):
            words.append(word)
    return stacked(words)


def unipen_numbers(folder: Path | None, seed: int) -> Samples:
    """Return UNIPEN's numbers, written once each with any pen."""
    file = folder / STRINGS if folder else None
    if not file or not file.exists():
        return stacked([])
    pack = load_strokes(file)
    words = [_recorded(pack, i, np.random.default_rng((seed, i))) for i in range(len(pack))]
    return stacked([word for word in words if word and readable(word)])


def _recorded(pack: StrokePack, index: int, rng: np.random.Generator) -> Word | None:
    writing = string_writing(pack, index, HEIGHT_PX, random_pen(rng), rng)
    if writing is None or min(writing.ink.shape) < 4:
        return None
    return distort(writing.ink, rng, StringDistortion()), tuple(map(int, writing.text))
