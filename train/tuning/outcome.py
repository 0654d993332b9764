"""What came of a search's trials."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import RunError
from .space import rounded

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, Trial

RUN = re.compile(r"[0-9]{4,9}")
"""What a trial's run folder is called."""


@dataclass(frozen=True)
class Outcome:
    """What came of a trial."""

    trial: int
    folder: str
    """Name of its run folder, which is that of the trial it goes on with if that was cut off."""
    state: str
    """finished, given up, failed, running, waiting or cut off."""
    validation_loss: float | None
    """Nats, after the last epoch that it had."""
    digit_accuracy: float | None
    epochs: int
    seconds: float | None
    parameters: int | None
    multiplications: int | None
    values: Mapping[str, float]
    """Of what is searched."""
    reason: str
    """Why it failed."""
    curve: Mapping[int, float]
    """Validation loss by epoch."""


def outcome_of(trial: FrozenTrial) -> Outcome:
    """Return what came of a trial, as far as it is."""
    attributes = trial.user_attrs
    measured, size = attributes.get("measured", {}), attributes.get("size", {})
    curve = trial.intermediate_values
    return Outcome(
        trial.number,
        run_of(trial),
        _state(trial),
        curve[max(curve)] if curve else None,
        measured.get("digit_accuracy"),
        len(curve),
        measured.get("seconds"),
        size.get("parameters"),
        size.get("multiplications"),
        rounded(trial.params),
        attributes.get("reason", ""),
        curve,
    )


def run_of(trial: FrozenTrial | Trial) -> str:
    """Return the name of a trial's run folder.

    Raises:
        RunError: The storage, which others may write too, names something else.
    """
    name = trial.user_attrs.get("run", f"{trial.number:04d}")
    if not isinstance(name, str) or not RUN.fullmatch(name):
        raise RunError(
            f"trial {trial.number}: expected the attribute run to name a run's folder, such as "
            f"0007, found {name!r:.60}; begin anew in another --out and --storage"
        )
    return name


def _state(trial: FrozenTrial) -> str:
    if "reason" in trial.user_attrs:
        return "failed"
    names = {"COMPLETE": "finished", "PRUNED": "given up", "FAIL": "cut off"}
    return names.get(trial.state.name, trial.state.name.lower())


def best_of(outcomes: Sequence[Outcome]) -> Outcome | None:
    """Return the finished trial with the lowest validation loss."""
    finished = [each for each in outcomes if each.state == "finished"]
    return min(finished, key=lambda each: each.validation_loss or 0.0, default=None)
