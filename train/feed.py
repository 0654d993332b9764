"""What the network sees in an epoch: distorted digits and digits found in rendered scenes.

Train what you run: the digits go through the device's crop, the scenes through its whole path
from luma to model image. Every draw comes from (seed, epoch, chunk), so an epoch is the same
however many processes make it and wherever the training was resumed.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.crop import IMAGE_SHAPE, model_image
from digitcam.edge.frame import Box
from digitcam.edge.preprocess import find_ink
from digitcam.edge.segment import find_candidates
from digitcam.edge.settings import PreprocessSettings, SegmentSettings

from .augment import AugmentSettings, augment
from .errors import DataError, RunError
from .scene import PlacedDigit, render_scene

Samples = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Model images (N, 28, 28) uint8 and labels (N,) uint8."""

CHUNK = 1000
"""Samples that one job makes."""
SCENE_DIGITS = 30
"""Digits that a scene is asked to hold."""
MAX_BARREN_SCENES = 20
"""Scenes more than digits found in them after which the images are taken for no digits."""
MIN_OVERLAP = 0.6
"""Intersection over union from which a candidate is taken for the digit that was placed."""


@dataclass(frozen=True)
class FeedSettings:
    """What an epoch is made of."""

    digits: int = 60_000
    """Distorted digits an epoch."""
    scene_digits: int = 15_000
    """Digits found in rendered scenes, an epoch."""
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    """How digits are distorted, in scenes a little too."""


@dataclass(frozen=True)
class _Job:
    seed: tuple[int, ...]
    count: int
    in_scenes: bool


class EpochFeed:
    """Makes the epochs of a training in worker processes, one epoch ahead.

    Args:
        x: (N, 28, 28) uint8 digits, white on black.
        y: (N,) uint8 labels.
        settings: What an epoch is made of.
        seed: Source of every draw.
        workers: Processes; by default one less than the processors there are.
    """

    def __init__(
        self,
        x: NDArray[np.uint8],
        y: NDArray[np.uint8],
        settings: FeedSettings,
        seed: int,
        workers: int | None = None,
    ) -> None:
        self._settings = settings
        self._seed = seed
        self._pool = ProcessPoolExecutor(
            workers or max((os.cpu_count() or 2) - 1, 1),
            mp_context=get_context("spawn"),
            initializer=_start_worker,
            initargs=(x, y, settings.augment),
        )
        self._ahead: dict[int, list[Future[Samples]]] = {}

    def epoch(self, number: int, *, last: bool = False) -> Samples:
        """Return the samples of an epoch in the order to train on them.

        Args:
            number: The epoch, from 0.
            last: Nothing is made ahead for the epoch after this one.

        Raises:
            RunError: A worker died.
        """
        try:
            jobs = self._ahead.pop(number, None) or self._submit(number)
            if not last:
                self._ahead[number + 1] = self._submit(number + 1)
            parts = [job.result() for job in jobs]
        except BrokenProcessPool as error:
            raise RunError(
                "a process that distorts digits was killed, perhaps for want of memory; "
                "go on with fewer --workers"
            ) from error
        images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        order = np.random.default_rng((self._seed, number)).permutation(len(labels))
        return images[order], labels[order]

    def _submit(self, number: int) -> list[Future[Samples]]:
        # Workers start here and inherit the mask. Ctrl-C reaches the whole process group, but the
        # training alone answers it, and ends them.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return [self._pool.submit(_make_samples, job) for job in self._jobs(number)]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _jobs(self, number: int) -> Iterator[_Job]:
        amounts = ((self._settings.digits, False), (self._settings.scene_digits, True))
        for amount, in_scenes in amounts:
            for start in range(0, amount, CHUNK):
                seed = (self._seed, number, int(in_scenes), start)
                yield _Job(seed, min(CHUNK, amount - start), in_scenes)

    def close(self) -> None:
        """End the workers; idempotent."""
        self._ahead.clear()
        self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        """Return the feed itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the feed."""
        self.close()


def scene_samples(
    x: NDArray[np.uint8], y: NDArray[np.uint8], count: int, rng: np.random.Generator
) -> Samples:
    """Return exactly ``count`` digits as the device finds them in rendered scenes.

    Raises:
        DataError: Hardly any is found, so that there would be no end to it.
    """
    images = np.zeros((count, *IMAGE_SHAPE), np.uint8)
    labels = np.zeros(count, np.uint8)
    done = scenes = 0
    while done < count:
        if scenes > count + MAX_BARREN_SCENES:
            raise DataError(
                f"{scenes} rendered scenes gave {done} digits; expected images of digits, white "
                "ink on black"
            )
        scenes += 1
        chosen = rng.integers(len(x), size=SCENE_DIGITS)
        scene = render_scene(list(x[chosen]), y[chosen].tolist(), rng)
        for image, label in _found_digits(scene.image, scene.digits):
            if done < count:
                images[done], labels[done] = image, label
                done += 1
    return images, labels


def _found_digits(
    image: NDArray[np.uint8], placed: Sequence[PlacedDigit]
) -> Iterator[tuple[NDArray[np.uint8], int]]:
    luma = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    ink = find_ink(luma, PreprocessSettings())  # type: ignore[arg-type]
    for candidate in find_candidates(ink, SegmentSettings()):
        for digit in placed:
            if _overlap(candidate.box, digit) >= MIN_OVERLAP:
                yield model_image(candidate.contrast), digit.digit
                break


def _overlap(box: Box, digit: PlacedDigit) -> float:
    """Return intersection over union."""
    width = min(box.right, digit.x + digit.width) - max(box.x, digit.x)
    height = min(box.bottom, digit.y + digit.height) - max(box.y, digit.y)
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (box.width * box.height + digit.width * digit.height - both)


_data: tuple[NDArray[np.uint8], NDArray[np.uint8], AugmentSettings]


def _start_worker(x: NDArray[np.uint8], y: NDArray[np.uint8], settings: AugmentSettings) -> None:
    global _data
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _data = x, y, settings


def _end_with_parent() -> None:
    """Leave when the parent was killed; a pool's workers would wait for work for ever."""
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _make_samples(job: _Job) -> Samples:
    x, y, settings = _data
    rng = np.random.default_rng(job.seed)
    if job.in_scenes:
        return scene_samples(x, y, job.count, rng)
    chosen = _shuffled_part(job, len(x))
    images = np.stack([augment(x[index], rng, settings) for index in chosen])
    return images, y[chosen]


def _shuffled_part(job: _Job, size: int) -> NDArray[np.int64]:
    """Return the chunk's digits: an epoch goes through all of them before one comes again."""
    seed, epoch, _, start = job.seed
    order = np.random.default_rng((seed, epoch, size)).permutation(size)
    part: NDArray[np.int64] = order[np.arange(start, start + job.count) % size]
    return part
