"""One trial of a search: a training that ends before the test set."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from optuna.exceptions import TrialPruned
from optuna.trial import Trial, TrialState

from ..architectures import build_model
from ..architectures.cost import multiplications
from ..datasets import classes_of
from ..errors import RunError
from ..finished import load_history
from ..run import Recipe, say
from ..training import train
from .space import recipe_with, rounded
from .study import Begun, Study

if TYPE_CHECKING:
    from .search import Search

MAX_KILLS = 3
"""Times that a trial's process may die in the same epoch before the trial is blamed for it."""
Row = Mapping[str, float]


def run_trial(search: Search, study: Study, begun: Begun) -> None:
    """Train, and tell the study what came of it."""
    trial, tell = begun.trial, study.optuna.tell
    say(f"trial {trial.number}: {_told(trial.params)}")
    curve = Curve(trial, search.recipe.epochs)
    try:
        if begun.kills >= MAX_KILLS:
            raise RunError(f"killed {begun.kills} times, perhaps for want of memory")
        _train(search, begun, curve)
    except RunError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno:
            raise error.__cause__ from error  # A full disk, say, is not the trial's fault.
        trial.set_user_attr("reason", str(error))
        tell(trial, state=TrialState.PRUNED)
        say(f"trial {trial.number} failed: {error}")
    except TrialPruned:
        tell(trial, state=TrialState.PRUNED)
        say(f"trial {trial.number}: given up after {len(curve.rows)} epochs")
    else:
        tell(trial, curve.value)
        say(f"trial {trial.number}: validation loss {curve.value:.5f}")
    _tidy(begun.folder)


class _Trained(Exception):  # noqa: N818 - it is no error
    """Ends a training after its last epoch, before it is measured on the test set."""


class Curve:
    """A trial's epochs, which Optuna is told of.

    Args:
        trial: The trial.
        epochs: When it is over.
    """

    def __init__(self, trial: Trial, epochs: int) -> None:
        self.rows: list[Row] = []
        self._trial, self._epochs = trial, epochs

    @property
    def value(self) -> float:
        """Validation loss after the last epoch, which is the one that a training keeps."""
        return self.rows[-1]["val_loss"]

    @property
    def whole(self) -> bool:
        """Whether all epochs are over."""
        return len(self.rows) == self._epochs

    def watch(self, row: Row) -> None:
        """Be told of an epoch by the training, and end it if it is the last or goes badly.

        Raises:
            _Trained: It is the last.
            TrialPruned: Half of the trials were better by now.
        """
        self.add(row)
        if self.whole:
            raise _Trained
        if self._trial.should_prune():
            raise TrialPruned

    def add(self, row: Row) -> None:
        """Tell Optuna of an epoch."""
        self.rows.append(row)
        self._trial.report(row["val_loss"], int(row["epoch"]))
        measured = {
            "digit_accuracy": row["digit_accuracy"],
            "seconds": sum(each["seconds"] for each in self.rows),
        }
        self._trial.set_user_attr("measured", measured)


def _train(search: Search, begun: Begun, curve: Curve) -> None:
    with _talking_to(begun.folder / "log.txt"):
        import keras

        keras.utils.clear_session()
        recipe = recipe_with(search.recipe, begun.trial.params)
        begun.trial.set_user_attr("size", _size(recipe))
        for row in load_history(begun.folder):
            curve.add(row)
        if curve.whole:  # It was cut off when nothing was left but to tell.
            return
        processes = max(search.processors - 1, 1)
        with suppress(_Trained):
            train(
                search.data,
                recipe,
                begun.folder,
                processes,
                search.photographs,
                watch=curve.watch,
                optional=search.optional,
            )


@contextmanager
def _talking_to(path: Path) -> Iterator[None]:
    """Have a file get what is said, by TensorFlow beside Python too: others talk at the time."""
    with path.open("a", buffering=1) as log, redirect_stdout(log):
        errors = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(errors, 2)
            os.close(errors)


def _size(recipe: Recipe) -> dict[str, int]:
    model = build_model(recipe.architecture, len(classes_of(recipe)), recipe.width)
    return {"parameters": model.count_params(), "multiplications": multiplications(model)}


def _tidy(folder: Path) -> None:
    """Remove what only going on needs; hundreds of trials' checkpoints would fill a disk."""
    (folder / "state.json").unlink(missing_ok=True)
    for pattern in ("checkpoint-*.keras", ".writing-*"):
        for file in folder.glob(pattern):
            file.unlink()


def _told(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in rounded(values).items())
