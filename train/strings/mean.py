"""The mean of several trainings: networks that learnt from the same strings fail at others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data import DigitData
from ..errors import RunError
from ..finished import METRICS, MODEL, RECIPE
from ..network import load_model
from ..run import RunFolder, read_json, say
from .network import mean_of
from .recipe import KIND
from .training import describe, finish, load_writers


def take_mean(
    data: DigitData, runs: Sequence[Path], path: Path, photographs: Path | None = None
) -> dict[str, Any]:
    """Make one reader of strings of finished trainings: its logits are the mean of theirs.

    Args:
        data: MNIST, as they were trained with.
        runs: Their folders.
        path: The run folder; gets ``model.keras``, ``metrics.json`` and ``calibration.npz``.
        photographs: Folder of real handwriting, as they were trained with.

    Returns:
        The metrics.

    Raises:
        RunError: A run is not finished, is none of a reader of strings, or of other strings; or
            the folder holds another training.
        DataError: The photographs are not as expected.
    """
    members = [_finished(run) for run in runs]
    learnt, held = load_writers(data, members[0]["validation"], photographs)
    expected = describe(data, learnt, {})
    for run, member in zip(runs, members, strict=True):
        for key in ("format", "classes", "preprocessing", "data"):
            if member.get(key) != expected[key]:
                raise RunError(
                    f"{run / RECIPE}: {key} must be {expected[key]!s:.80}, found "
                    f"{member.get(key)!s:.80}; give runs of the same version and data"
                )
        if member["validation"] != members[0]["validation"]:
            raise RunError(
                f"{run / RECIPE}: validation must be {members[0]['validation']} as of {runs[0]}, "
                f"found {member['validation']}; give runs that hold back the same digits"
            )
    folder = RunFolder(path, describe(data, learnt, {"members": members}))
    if folder.finished:
        say(f"{path} is made already; give another --out for a new mean")
        return read_json(path / METRICS)
    network = mean_of([load_model(run / MODEL) for run in runs])
    finish(network, sum(member["epochs"] for member in members), held, folder)
    return read_json(path / METRICS)


def _finished(run: Path) -> dict[str, Any]:
    """Return what a run was, without what its mean says for all."""
    if not (run / RECIPE).is_file():
        raise RunError(
            f"{run}: expected the folder of a training, found no {RECIPE} in it; give one that "
            "digitcam-train-strings made"
        )
    recipe = read_json(run / RECIPE)
    if recipe.get("kind") != KIND or "members" in recipe:
        raise RunError(
            f"{run}: expected one training of a reader of strings, found "
            f"{'a mean of several' if 'members' in recipe else 'another'}; give runs that "
            "digitcam-train-strings trained"
        )
    missing = [name for name in (MODEL, METRICS) if not (run / name).is_file()]
    if missing:
        raise RunError(
            f"{run}: expected a finished training, missing {' and '.join(missing)}; finish it "
            f"with digitcam-train-strings --out {run} and its flags"
        )
    return recipe
