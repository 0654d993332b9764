"""The search for better settings: trials in processes of their own, on one machine or many.

By Optuna rather than KerasTuner, whose last release is of November 2025: Optuna's processes share a
file or a database, where KerasTuner's need a chief that serves the others through gRPC; and it
gives bad trials up early, and tells which settings mattered.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.pruners import MedianPruner

from ..data import DigitData
from ..epochs import end_with_parent
from ..errors import TrainError
from ..run import Recipe, say
from ..training import describe, paper_for
from ..writers import Writers
from .space import search_space
from .study import Study
from .trial import run_trial

POLL_S = 2.0
"""How often the main process looks for trials that are done."""
FAREWELL_S = 60.0
"""How long workers may take to end when they are asked to."""


@dataclass(frozen=True)
class Search:
    """Everything that a worker has to know."""

    out: Path
    """The study's folder."""
    storage: str | None
    """URL or file, if not in that folder."""
    recipe: Recipe
    """Of a trial, before its own settings."""
    names: Sequence[str]
    """Settings that are searched; all that go with the network if there are none."""
    trials: int
    """How many are to be done."""
    data: DigitData
    """Without the test set, which no search must see."""
    photographs: Path | None
    """Real handwriting."""
    workers: int
    """Processes on this machine, which share its processors."""
    debug: bool = False
    """Whether workers show the traceback of an error."""
    optional: bool = False
    """Whether sources that are missing are passed over."""

    @property
    def processors(self) -> int:
        """Processors for each worker."""
        return max((os.cpu_count() or 1) // self.workers, 1)

    @property
    def space(self) -> dict[str, BaseDistribution]:
        """What is searched."""
        return search_space(self.recipe, self.names)

    def open(self) -> Study:
        """Open the study."""
        return Study(self.out, self.storage, _pruner(self.recipe.epochs))


def settings_of(search: Search) -> dict[str, Any]:
    """Return what all trials of a study have in common."""
    recipe = search.recipe
    paper = paper_for(recipe, search.photographs, "training", optional=search.optional)
    writers = Writers(search.photographs, recipe.without, search.optional)
    described = describe(search.data, recipe, paper, (), writers)
    del described["versions"]
    ranges = {name: json.loads(distribution_to_json(each)) for name, each in search.space.items()}
    return {**described, "search": list(ranges), "ranges": ranges}


def without_test(data: DigitData) -> DigitData:
    """Return the digits to learn from alone, so that no search can see the test set."""
    return DigitData(data.x_train, data.y_train, data.x_test[:0], data.y_test[:0])


def _pruner(epochs: int) -> MedianPruner:
    """Return what gives up the worse half of the trials, from the middle of their epochs on.

    Not before: a high learning rate looks bad until it has fallen.
    """
    return MedianPruner(n_startup_trials=5, n_warmup_steps=epochs // 2)


def run_workers(search: Search, progress: Callable[[], None]) -> None:
    """Run trials in processes until enough are done, or no process is left.

    Args:
        search: What is searched, and by how many.
        progress: Is called now and then.

    Raises:
        KeyboardInterrupt: After Ctrl-C or SIGTERM, once the workers have handed back their trials.
    """
    context = get_context("spawn")
    workers = [context.Process(target=work, args=(search,)) for _ in range(search.workers)]
    with _terminated_like_interrupted():
        try:
            _start(workers)
            while alive := [worker for worker in workers if worker.is_alive()]:
                wait([worker.sentinel for worker in alive], POLL_S)
                progress()
        finally:
            _end(workers)
    for worker in workers:
        if worker.exitcode and worker.exitcode < 0:
            name = signal.Signals(-worker.exitcode).name
            say(f"a worker was killed by {name}; its trial is kept, and another goes on with it")


def _start(workers: Sequence[SpawnProcess]) -> None:
    # Workers inherit the mask: Ctrl-C reaches the whole process group, but the main process alone
    # answers it, and ends them.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for worker in workers:
            worker.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _end(workers: Sequence[SpawnProcess]) -> None:
    begun = [worker for worker in workers if worker.pid]
    for worker in begun:
        worker.terminate()
    for worker in begun:
        worker.join(FAREWELL_S)
        if worker.is_alive():
            worker.kill()
            worker.join()


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def work(search: Search) -> None:
    """Run trials, as the main function of a process of its own, until enough are done."""
    signal.signal(signal.SIGTERM, _interrupted)
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(search.processors))
    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        _run_trials(search)
    except KeyboardInterrupt:
        sys.exit(1)
    except Exception as error:  # Whatever it is, the trial was handed back.
        if search.debug:
            raise
        known = isinstance(error, TrainError | OSError)
        told = str(error) if known else repr(error)
        say(f"digitcam-tune: {search.out}: a worker ended: {told}; its trial is kept")
        sys.exit(1)


def _interrupted(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Once is enough; the trial is handed back.
    raise KeyboardInterrupt


def _run_trials(search: Search) -> None:
    study, space = search.open(), search.space
    while begun := study.begin(search.trials, space, search.recipe.seed):
        with begun:
            try:
                run_trial(search, study, begun)
            except (KeyboardInterrupt, OSError):
                study.cut_off(begun.trial.number)
                raise
            except Exception:
                study.cut_off(begun.trial.number, died=True)
                raise
