"""What a search may change of a recipe, and how far."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..augment import AugmentSettings
from ..errors import RunError
from ..feed import FeedSettings
from ..run import Recipe

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

SETTINGS = (
    "learning_rate",
    "batch_size",
    "weight_decay",
    "momentum",
    "width",
    "augmentation",
    "rotation_deg",
)
"""What can be searched; not all of it goes with every network."""
TENFOLD = 10.0
"""By as much learning rate and weight decay go below and above the network's own."""
BATCHES = (0.25, 0.5, 1, 2, 4)
"""Batches as multiples of the network's own."""
LEAST_BATCH = 16
"""Below it an epoch takes too long for a search, unless the network's own is smaller."""
STRENGTH = (
    "rotation_deg",
    "shear",
    "stretch",
    "elastic_px",
    "widen_probability",
    "blur_px",
    "motion_probability",
    "light",
    "noise",
)
"""Bounds of AugmentSettings that ``augmentation`` multiplies: one factor, because a search of some
ten trials can tell how strong distortions should be, and not each of nine bounds."""
MOST = {"widen_probability": 0.5, "motion_probability": 1.0, "light": 1.0}
"""What a bound cannot exceed: as many digits get a thinner pen as a thicker one."""
DIGITS = 3
"""Significant digits of a value, so that a recipe can be told and typed."""


def search_space(recipe: Recipe, names: Collection[str] = ()) -> dict[str, BaseDistribution]:
    """Return the settings that a search chooses, each with its range around the recipe's own.

    Args:
        recipe: Where the search begins.
        names: Of SETTINGS, to search these only.

    Raises:
        RunError: A setting does not go with the network.
    """
    space = _whole_space(recipe)
    unknown = [name for name in names if name not in space]
    if unknown:
        raise RunError(
            f"{recipe.architecture} is trained with {recipe.optimizer} and can be searched for "
            f"{', '.join(space)}, found {unknown[0]}"
        )
    return {name: space[name] for name in space if not names or name in names}


def _whole_space(recipe: Recipe) -> dict[str, BaseDistribution]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    def tenfold(value: float) -> FloatDistribution:
        return FloatDistribution(value / TENFOLD, value * TENFOLD, log=True)

    least = min(LEAST_BATCH, recipe.batch_size)
    batches = [round(factor * recipe.batch_size) for factor in BATCHES]
    space: dict[str, BaseDistribution] = {
        "learning_rate": tenfold(recipe.learning_rate),
        "batch_size": CategoricalDistribution([size for size in batches if size >= least]),
    }
    if recipe.optimizer == "adamw":
        space["weight_decay"] = tenfold(recipe.weight_decay)
    if recipe.optimizer == "sgd":
        space["momentum"] = FloatDistribution(0.5, 0.99)
    if recipe.feed is None:
        space["rotation_deg"] = FloatDistribution(0, 15)
    else:
        space["width"] = FloatDistribution(0.5, 1.5, step=0.1)
        space["augmentation"] = FloatDistribution(0, 2)
    return space


def own_values(recipe: Recipe, space: Collection[str]) -> dict[str, float]:
    """Return the recipe's own value of each setting that is searched."""
    return {name: 1.0 if name == "augmentation" else getattr(recipe, name) for name in space}


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    """Return the values with as many digits as a recipe has them."""
    return {
        name: value if isinstance(value, int) else float(f"{value:.{DIGITS}g}")
        for name, value in values.items()
    }


def recipe_with(recipe: Recipe, values: Mapping[str, float]) -> Recipe:
    """Return a recipe with the values that a search chose."""
    changes: dict[str, Any] = rounded(values)
    factor = changes.pop("augmentation", None)
    if factor is not None and recipe.feed:
        changes["feed"] = strengthened(recipe.feed, factor)
    return replace(recipe, **changes)


def strengthened(feed: FeedSettings, factor: float) -> FeedSettings:
    """Return a feed whose distortions are stronger by a factor; 0 distorts hardly at all."""
    return replace(
        feed,
        augment=_strengthened(feed.augment, factor),
        paper_augment=_strengthened(feed.paper_augment, factor),
    )


def _strengthened(settings: AugmentSettings, factor: float) -> AugmentSettings:
    bounds = {name: getattr(settings, name) * factor for name in STRENGTH}
    return replace(
        settings, **{name: min(bounds[name], MOST.get(name, bounds[name])) for name in bounds}
    )
