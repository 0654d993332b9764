"""Everything that decides what a training of the reader of strings gives."""

from __future__ import annotations

from dataclasses import dataclass, field

KIND = "strings"
"""What ``recipe.json`` calls such a run."""


@dataclass(frozen=True)
class StringDistortion:
    """How far strings are distorted; each bound is drawn from uniformly."""

    rotation_deg: float = 2.0
    """Standard deviation of the line's slope."""
    shear: float = 0.35
    """Largest slant, px sideways a px up."""
    stretch: float = 0.25
    """Largest change of width, as a logarithm."""
    elastic_px: float = 2.4
    """Largest standard deviation of the elastic displacement on the 64 px canvas."""
    pen: float = 0.25
    """Share of strings with a thicker pen; as many have a thinner one."""
    blur_px: float = 2.0
    """Largest Gaussian blur on the canvas, standard deviation; half of the strings have some."""
    light: float = 0.4
    """Largest loss of contrast on either side, as a part."""
    noise: float = 0.15
    """Largest standard deviation of grain, as a part of a pixel's ink."""
    floor: float = 0.35
    """Largest part of the peak below which ink is lost to the threshold."""
    smallest_px: int = 20
    """Least height of the ink in the image; other marks of its word may be higher."""
    plain: float = 0.05
    """Share of strings that stay as they are."""


@dataclass(frozen=True)
class StringFeedSettings:
    """What an epoch is made of."""

    whole: int = 4800
    """Strings of photographs."""
    spliced: int = 5000
    """Strings put together from parts of such."""
    composed: int = 5600
    """Strings put together from single digits."""
    nothing: int = 1600
    """Words without a digit."""
    distortion: StringDistortion = field(default_factory=StringDistortion)
    """How all are distorted."""


@dataclass(frozen=True)
class StringRecipe:
    """Everything that decides the result."""

    seed: int = 1
    """Source of the first weights, the order and every draw."""
    epochs: int = 60
    batch_size: int = 64
    """Strings a step."""
    learning_rate: float = 3e-3
    """Highest rate; it warms up for a fiftieth of the training, and falls with a cosine."""
    weight_decay: float = 1e-3
    """Decoupled weight decay (Loshchilov and Hutter 2019)."""
    width: float = 1.0
    """Filters a layer, as a multiple of the network's own."""
    validation: int = 5000
    """Digits of MNIST's training set that are held back."""
    feed: StringFeedSettings = field(default_factory=StringFeedSettings)
    """What an epoch is made of."""
