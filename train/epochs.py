"""Epochs made in processes of their own, one ahead of the training.

Every draw comes from (seed, epoch, kind, chunk), so an epoch is the same however many processes
make it and wherever the training was resumed. Where a GPU learns faster than processors distort,
epochs come again, and can be kept for other trainings, with what teachers say of them.
"""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.files import write_whole

from .damage import DAMAGE, load_arrays, reason_of
from .errors import RunError

Arrays = tuple[NDArray[Any], ...]
"""Columns of samples: arrays of one length."""
CHUNK = 1000
"""Samples that one job makes."""


@dataclass(frozen=True)
class Job:
    """Some samples of an epoch."""

    seed: tuple[int, ...]
    """Source of every draw: seed, epoch, place of the kind, first sample."""
    count: int
    kind: str


class Source(Protocol):
    """Makes samples; is sent to each process once."""

    @property
    def amounts(self) -> Mapping[str, int]:
        """Samples of each kind in an epoch."""
        ...

    def make(self, job: Job) -> Arrays:
        """Return the samples of a job."""
        ...


@dataclass(frozen=True)
class Annotation:
    """A further column, told from the others; its epochs are kept as theirs are."""

    name: str
    """Of whatever decides the values, as a part of a file's name."""
    of: Callable[[Arrays], NDArray[Any]]
    """Returns the column of an epoch."""


class EpochFeed:
    """Makes the epochs of a training in worker processes, one epoch ahead.

    Args:
        source: Makes the samples.
        seed: Source of every draw.
        workers: Processes; by default one less than the processors there are.
        distinct: Epochs that differ; after them they come again, each time in another order.
        keep: Folder of this source's and seed's samples, to write to and to take them from.
        annotation: A further column of each epoch, the last.
    """

    def __init__(
        self,
        source: Source,
        seed: int,
        workers: int | None = None,
        distinct: int | None = None,
        keep: Path | None = None,
        annotation: Annotation | None = None,
    ) -> None:
        self._amounts = source.amounts
        self._seed = seed
        self._distinct = distinct
        self._keep = keep
        self._annotation = annotation
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
        self._pool = ProcessPoolExecutor(
            workers or max((os.cpu_count() or 2) - 1, 1),
            mp_context=get_context("spawn"),
            initializer=_start_worker,
            initargs=(source,),
        )
        self._ahead: dict[int, list[Future[Arrays]] | Path] = {}

    def epoch(self, number: int, *, last: bool = False) -> Arrays:
        """Return the samples of an epoch in the order to train on them.

        Args:
            number: The epoch, from 0.
            last: Nothing is made ahead for the epoch after this one.

        Raises:
            RunError: A worker died.
        """
        try:
            begun = self._ahead.pop(number, None) or self._begin(number)
            if not last:
                self._ahead[number + 1] = self._begin(number + 1)
            columns = self._annotated(number, self._finish(number, begun))
        except BrokenProcessPool as error:
            raise RunError(
                "a process that distorts digits was killed, perhaps for want of memory; "
                "go on with fewer --workers"
            ) from error
        order = np.random.default_rng((self._seed, number)).permutation(len(columns[0]))
        return tuple(column[order] for column in columns)

    def _original(self, number: int) -> int:
        return number % self._distinct if self._distinct else number

    def _begin(self, number: int) -> list[Future[Arrays]] | Path:
        """Have an epoch made, or return the file that it is kept in."""
        file = self._file(number)
        return file if file and file.exists() else self._submit(self._original(number))

    def _finish(self, number: int, begun: list[Future[Arrays]] | Path) -> Arrays:
        """Return an epoch's samples as they were made, and keep them."""
        if isinstance(begun, Path):
            return _load(begun)
        parts = [job.result() for job in begun]
        columns = tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        if file := self._file(number):
            _save(file, columns)
        return columns

    def _annotated(self, number: int, columns: Arrays) -> Arrays:
        """Return an epoch with its further column, if there is to be one, and keep that."""
        if not self._annotation:
            return columns
        file = self._file(number, f"-{self._annotation.name}")
        if file and file.exists():
            return (*columns, *_load(file))
        column = self._annotation.of(columns)
        if file:
            _save(file, (column,))
        return (*columns, column)

    def _file(self, number: int, what: str = "") -> Path | None:
        return self._keep / f"epoch-{self._original(number):04}{what}.npz" if self._keep else None

    def _submit(self, number: int) -> list[Future[Arrays]]:
        # Workers start here and inherit the mask. Ctrl-C reaches the whole process group, but the
        # training alone answers it, and ends them.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return [self._pool.submit(_make_samples, job) for job in self._jobs(number)]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _jobs(self, number: int) -> Iterator[Job]:
        for place, (kind, amount) in enumerate(self._amounts.items()):
            for start in range(0, amount, CHUNK):
                seed = (self._seed, number, place, start)
                yield Job(seed, min(CHUNK, amount - start), kind)

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


def _save(file: Path, columns: Arrays) -> None:
    content = io.BytesIO()
    np.savez(content, *columns)
    write_whole(file, content.getvalue())


def _load(file: Path) -> Arrays:
    try:
        return tuple(load_arrays(file).values())
    except DAMAGE as error:
        raise RunError(
            f"{file}: expected the samples of an epoch, cannot read them: {reason_of(error)}; "
            "delete the file"
        ) from error


_source: Source


def _start_worker(source: Source) -> None:
    global _source
    cv2.setNumThreads(1)
    threading.Thread(target=end_with_parent, daemon=True).start()
    _source = source


def end_with_parent() -> None:
    """Leave when the parent was killed; a pool's workers would wait for work for ever."""
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _make_samples(job: Job) -> Arrays:
    return _source.make(job)
