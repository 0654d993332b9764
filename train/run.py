"""The run folder: what a training is, how far it came, and what it gave.

Everything is written beside its final name and renamed, so a kill at any moment leaves the last
good state: a checkpoint counts only once ``state.json`` names it.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from .augment import AugmentSettings
from .damage import reason_of
from .errors import RunError
from .feed import FeedSettings

FORMAT = 1
"""Version of the run folder that this code reads and writes."""
Optimizer = Literal["adamw", "adam", "sgd", "adadelta"]
OPTIMIZERS: tuple[Optimizer, ...] = get_args(Optimizer)
CHECKPOINT = re.compile(r"checkpoint-[0-9]{4,9}\.keras")
"""What a checkpoint is called."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training's result."""

    architecture: str = "flagship"
    """Name of the network."""
    width: float = 1.0
    """Filters a layer, as a multiple of the network's own; digitcam's networks alone have it."""
    seed: int = 1
    """Source of the first weights, the order and every distortion."""
    epochs: int = 30
    """Longest training."""
    batch_size: int = 512
    """Samples a step."""
    optimizer: Optimizer = "adamw"
    """What changes the weights. ``adamw`` warms up for an epoch, and then its learning rate falls
    with a cosine to zero; that of the others stays."""
    learning_rate: float = 3e-3
    """Highest learning rate."""
    momentum: float = 0.0
    """Of ``sgd``, 0 to 1."""
    weight_decay: float = 0.05
    """Decoupled weight decay of ``adamw`` (Loshchilov and Hutter 2019)."""
    validation: int = 5000
    """Digits of the training set that are held back; 0 holds back nothing."""
    patience: int = 30
    """Epochs without a better validation loss after which training stops."""
    rotation_deg: float = 0.0
    """Largest turn of MNIST's digits either way, where there is no feed."""
    feed: FeedSettings | None = field(default_factory=FeedSettings)
    """What an epoch is made of. None is MNIST as it is, as published networks are trained."""
    without: tuple[str, ...] = ()
    """Sources that are left out whole, of writers.SOURCES, or a contributor, ``unipen:apb``."""


@dataclass(frozen=True)
class State:
    """How far a training came."""

    checkpoint: str
    """File of the model and optimizer after the last whole epoch."""
    best: str
    """File of the checkpoint with the lowest validation loss."""
    history: Sequence[Mapping[str, float]]
    """One row an epoch."""

    @property
    def best_epoch(self) -> int:
        """Number of the epoch with the lowest validation loss, from 0.

        Where nothing is held back, the training loss takes its place.
        """
        return min(range(len(self.history)), key=lambda i: _loss(self.history[i]))


def _loss(row: Mapping[str, float]) -> float:
    return row["val_loss" if "val_loss" in row else "loss"]


class RunFolder:
    """A training's files.

    Args:
        path: The folder; made when absent.
        recipe: What is trained, with data digests and versions, as ``recipe.json`` holds it.

    Raises:
        RunError: The folder holds another training, or cannot be written.
    """

    def __init__(self, path: Path, recipe: Mapping[str, Any]) -> None:
        self.path = path
        file = path / "recipe.json"
        try:
            path.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                self.write_json("recipe.json", recipe)
        except OSError as error:
            raise RunError(
                f"{path}: cannot be used as a run folder: {error.strerror}; choose another --out"
            ) from error
        _check_same(file, read_json(file), json.loads(json.dumps(recipe)))

    @property
    def finished(self) -> bool:
        """Whether the training ended, and what it gave is there."""
        return (self.path / "metrics.json").exists()

    def state(self) -> State | None:
        """Return how far the training came, or None at its beginning."""
        file = self.path / "state.json"
        if not file.exists():
            return None
        content = read_json(file)
        try:
            state = State(**content)
            named = [self.path / _checkpoint(name) for name in (state.checkpoint, state.best)]
            float(_loss(state.history[state.best_epoch]))
        except (TypeError, ValueError, LookupError) as error:
            raise RunError(
                f"{file}: expected checkpoint, best and history, cannot use it: {error!r:.160}; "
                "begin anew in another --out"
            ) from error
        for path in named:
            if not path.is_file():
                raise RunError(
                    f"{path}: missing, though state.json names it; begin anew in another --out"
                )
        return state

    def write_state(self, state: State) -> None:
        """Name the checkpoint to resume from, then remove those that nothing names."""
        rows = io.StringIO()
        writer = csv.DictWriter(rows, list(state.history[0]))
        writer.writeheader()
        writer.writerows(state.history)
        self.write("history.csv", lambda path: path.write_text(rows.getvalue()))
        # After the rest, because nothing repeats an epoch that it names.
        self.write_json("state.json", asdict(state))
        for old in self.path.glob("checkpoint-*.keras"):
            if old.name not in (state.checkpoint, state.best):
                old.unlink()

    def save_epoch(
        self, save: Callable[[Path], object], row: Mapping[str, float], before: State | None
    ) -> State:
        """Keep a checkpoint of the epoch that ended.

        Args:
            save: Writes the model with its optimizer to a file.
            row: What the epoch was like; ``epoch`` counts from 1.
            before: How far the training had come.
        """
        name = f"checkpoint-{row['epoch']:04.0f}.keras"
        self.write(name, save)
        history = [*(before.history if before else ()), row]
        state = State(name, before.best if before else name, history)
        if state.best_epoch == len(history) - 1:
            state = State(name, name, history)
        self.write_state(state)
        return state

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file atomically."""
        text = json.dumps(content, indent=1) + "\n"
        self.write(name, lambda path: path.write_text(text))

    def write(self, name: str, save: Callable[[Path], object]) -> None:
        """Have ``save`` write a file beside its final name, and rename it when it is whole."""
        temporary = self.path / f".writing-{name}"
        try:
            save(temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(self.path / name)
        finally:
            temporary.unlink(missing_ok=True)


def _checkpoint(name: object) -> str:
    """Return the name of a checkpoint in the run's own folder."""
    if not isinstance(name, str) or not CHECKPOINT.fullmatch(name):
        raise ValueError(
            f"a checkpoint is called such as checkpoint-0007.keras, found {name!r:.60}"
        )
    return name


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        RunError: It cannot be read or is none.
    """
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(
            f"{path}: expected a JSON file of a run, cannot read it: {reason_of(error)}; "
            "train anew in another folder"
        ) from error
    if not isinstance(content, dict):
        raise RunError(
            f"{path}: expected a JSON object, found {type(content).__name__}; train anew in "
            "another folder"
        )
    return content


def load_recipe(path: Path) -> Recipe:
    """Read a recipe as ``recipe.json`` of a run or ``best.json`` of a search holds it.

    Raises:
        RunError: It is none, or of another version.
    """
    content = read_json(path)
    found = content.get("recipe", content)
    try:
        chosen = {each.name: found[each.name] for each in fields(Recipe)}
        if feed := chosen["feed"]:
            distortions = ("augment", "paper_augment")
            own = {name: AugmentSettings(**feed[name]) for name in distortions}
            chosen["feed"] = FeedSettings(**{**feed, **own})
        if isinstance(chosen["without"], list):
            chosen["without"] = tuple(chosen["without"])
        _check_kinds(path, chosen)
        return Recipe(**chosen)
    except (TypeError, LookupError) as error:
        raise RunError(
            f"{path}: expected a recipe with {', '.join(each.name for each in fields(Recipe))}, "
            f"cannot use it: {error!r}; give best.json of digitcam-tune or recipe.json of a run"
        ) from error


def foreign_flag(recipe: Recipe, flag: str) -> RunError:
    """Return the refusal of a flag by a network that learns from MNIST as it is."""
    return RunError(
        f"{recipe.architecture} learns from MNIST as it is; {flag} goes with digitcam's own "
        "networks"
    )


def _check_kinds(path: Path, chosen: Mapping[str, Any]) -> None:
    for name, default in vars(Recipe()).items():
        kind = (int, float) if isinstance(default, float) else type(default)
        found = chosen[name]
        if name != "feed" and (isinstance(found, bool) or not isinstance(found, kind)):
            raise RunError(
                f"{path}: {name} must be such as {default!r}, found {found!r}; give best.json of "
                "digitcam-tune or recipe.json of a run"
            )


def _check_same(file: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse to go on with other settings or data; library versions may differ."""
    for key in wanted:
        if key != "versions" and found.get(key) != wanted[key]:
            raise RunError(
                f"{file}: this run was {begun_with(key, found, wanted)}; use the same settings or "
                "another --out"
            )


def begun_with(key: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Tell what something was begun with, and what is asked for."""
    return f"begun with {key} {_short(found.get(key))}, asked for is {_short(wanted.get(key))}"


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def say(text: str) -> None:
    """Tell of the progress on stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress is what the user waits for
