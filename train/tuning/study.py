"""A study that processes share: which trials there are, which are done, and who runs them.

Optuna keeps the trials in a storage. Whether the process that began a trial still lives it knows
from heartbeats, with a database alone and minutes late (optuna issue 6615); here each trial's run
folder has a lock, which the kernel drops when its holder dies.
"""

from __future__ import annotations

import fcntl
import json
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Self

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from ..errors import RunError
from ..run import begun_with
from .outcome import run_of
from .storage import open_storage

NAME = "digitcam"
"""Of the one study in a storage."""
JOURNAL = "study.journal"
"""The storage in a study's folder, where no other is given."""
DONE = (TrialState.COMPLETE, TrialState.PRUNED)
"""Trials that count. A failed one does not: it was cut off, and another took its place. One whose
training failed is pruned, with its reason, so that the sampler learns to keep away from there."""


@dataclass(frozen=True)
class Begun:
    """A trial that this process runs, and keeps locked while its block lasts."""

    trial: Trial
    folder: Path
    kills: int
    """Processes that died of it."""
    lock: int

    def __enter__(self) -> Self:
        """Return the trial itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of it."""
        os.close(self.lock)


class Study:
    """The trials of a search, as every process that takes part sees them.

    Args:
        out: The study's folder, with a run folder a trial.
        storage: URL or file; by default a journal in ``out``.
        pruner: Says when to give up a trial.

    Raises:
        RunError: Folder or storage cannot be used.
    """

    def __init__(
        self, out: Path, storage: str | None = None, pruner: BasePruner | None = None
    ) -> None:
        self.out = out
        self.where = storage or str(out / JOURNAL)
        try:
            (out / "trials").mkdir(parents=True, exist_ok=True)
            with self._locked():
                self._place = _identity(out / "place")
        except OSError as error:
            raise RunError(
                f"{out}: cannot be used as a study's folder: {error.strerror}; choose another --out"
            ) from error
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.optuna = _load_or_make(open_storage(self.where), pruner)

    def settle(self, settings: Mapping[str, Any], own: Mapping[str, float]) -> None:
        """Have the study be of these settings, beginning with the network's own.

        Raises:
            RunError: It is of others.
        """
        wanted = json.loads(json.dumps(settings))
        with self._locked():
            found = self.optuna.user_attrs.get("settings")
            if found is None:
                self.optuna.set_user_attr("settings", wanted)
                self.optuna.enqueue_trial(dict(own), skip_if_exists=True)
                return
        for key in {**wanted, **found}:
            if found.get(key) != wanted.get(key):
                raise RunError(
                    f"{self.out}: this search was {begun_with(key, found, wanted)}; use the same "
                    "settings, or another --out and --storage"
                )

    def trials(self) -> list[FrozenTrial]:
        """Return all trials, in the order of their numbers."""
        return self.optuna.get_trials(deepcopy=False)

    def done(self) -> int:
        """Return how many trials are done."""
        return sum(trial.state in DONE for trial in self.trials())

    def _begun(self) -> int:
        """Return how many trials are done or run, here or on other machines."""
        return sum(trial.state in (*DONE, TrialState.RUNNING) for trial in self.trials())

    def begin(self, most: int, space: Mapping[str, BaseDistribution], seed: int) -> Begun | None:
        """Begin a trial, one that was cut off first; None if there are enough.

        Args:
            most: Trials that are to be done in the end.
            space: What is searched.
            seed: Source of the values, with the number of trials before.
        """
        with self._locked():
            running = len(self._running())
            if self.done() + running >= most:
                return None
            self.optuna.sampler = _sampler(seed, self._begun())
            trial = self.optuna.ask(dict(space))
            trial.set_user_attr("run", run_of(trial))
            trial.set_user_attr("place", self._place)
            try:
                folder = self._folder(trial)
                lock = _take(folder / "lock")
            except OSError:
                self.cut_off(trial.number)
                raise
        return Begun(trial, folder, trial.user_attrs.get("kills", 0), lock)

    def cut_off(self, number: int, *, died: bool = False) -> None:
        """Have another trial go on where this one was cut off.

        Args:
            number: Of the trial that was.
            died: Its process died, perhaps because of it.
        """
        trials = self.trials()
        trial = trials[number]
        run, before = run_of(trial), trial.user_attrs
        reached = before.get("epoch", 0)
        epoch = max(trial.last_step or 0, reached)
        kills = before.get("kills", 0)
        if died:
            kills = 1 if epoch > reached else kills + 1
        # In this order, so that none is lost if this process dies here too.
        if not any(other.number > number and run_of(other) == run for other in trials):
            self.optuna.enqueue_trial(
                trial.params, user_attrs={"run": run, "kills": kills, "epoch": epoch}
            )
        self.optuna.tell(number, state=TrialState.FAIL)

    def _running(self) -> list[FrozenTrial]:
        """Return the trials that run in processes of this folder; replace those that died."""
        own = [
            trial
            for trial in self.trials()
            if trial.state == TrialState.RUNNING and trial.user_attrs.get("place") == self._place
        ]
        alive = []
        for trial in own:
            lock = _try_to_take(self._folder(trial) / "lock")
            if lock is None:
                alive.append(trial)
                continue
            self.cut_off(trial.number, died=True)
            os.close(lock)
        return alive

    def _folder(self, trial: Trial | FrozenTrial) -> Path:
        folder = self.out / "trials" / run_of(trial)
        folder.mkdir(exist_ok=True)
        return folder

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep the folder's other processes from beginning a trial."""
        lock = _take(self.out / "lock")
        try:
            yield
        finally:
            os.close(lock)


def _load_or_make(storage: BaseStorage, pruner: BasePruner | None) -> optuna.Study:
    """Return the study, without a record in the storage if it is there already."""
    try:
        return optuna.load_study(study_name=NAME, storage=storage, pruner=pruner)
    except KeyError:
        return optuna.create_study(
            study_name=NAME, storage=storage, pruner=pruner, load_if_exists=True
        )


def _sampler(seed: int, before: int) -> TPESampler:
    """Return a sampler that draws the same however often the search was interrupted."""
    own = int(np.random.SeedSequence((seed, before)).generate_state(1)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return TPESampler(seed=own, constant_liar=True)


def _identity(file: Path) -> str:
    """Return what tells a folder from those on other machines."""
    if not file.exists() or not file.read_text():
        file.write_text(token_hex(16))
    return file.read_text()


def _take(file: Path) -> int:
    descriptor = _opened(file)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _try_to_take(file: Path) -> int | None:
    descriptor = _opened(file)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _opened(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
