"""Everything that decides what a training of the reader of words gives."""

from __future__ import annotations

from dataclasses import dataclass, field

KIND = "strings"
"""What ``recipe.json`` calls such a run."""


@dataclass(frozen=True)
class StringDistortion:
    """How far words are distorted; each bound is drawn from uniformly."""

    rotation_deg: float = 2.0
    """Standard deviation of the line's slope."""
    shear: float = 0.35
    """Largest slant, px sideways a px up."""
    stretch: float = 0.25
    """Largest change of width, as a logarithm."""
    elastic_px: float = 2.4
    """Largest standard deviation of the elastic displacement on the 64 px canvas."""
    pen: float = 0.2
    """Share of words with a thicker pen; as many have a thinner one."""
    blur_px: tuple[float, float] = (0.6, 2.4)
    """Least and largest Gaussian blur on the canvas, standard deviation."""
    light: float = 0.4
    """Largest loss of contrast on either side, as a part."""
    noise: float = 0.15
    """Largest standard deviation of grain, as a part of a pixel's ink."""
    floor: float = 0.5
    """Largest part of the peak up to which contrast is no ink."""
    smallest_px: int = 20
    """Least height of the ink in the image; other marks of its word may be higher."""
    plain: float = 0.05
    """Share of words that stay as they are."""


@dataclass(frozen=True)
class StringFeedSettings:
    """What an epoch is made of."""

    written: int = 9000
    """Numbers written by one hand each."""
    pages: int = 3000
    """Words that the device finds on rendered pages."""
    photographed: int = 3000
    """Numbers of photographs, and others put together from parts of such."""
    nothing: int = 2000
    """Words without a digit that the device finds on rendered pages."""
    distinct_epochs: int = 5
    """Epochs that differ; after them they come again, each time in another order."""
    distortion: StringDistortion = field(default_factory=StringDistortion)
    """How those are distorted that no page is rendered for."""


@dataclass(frozen=True)
class StringRecipe:
    """Everything that decides the result."""

    seed: int = 1
    """Source of the first weights, the order and every draw."""
    epochs: int = 20
    batch_size: int = 64
    """Words a step."""
    learning_rate: float = 3e-3
    """Highest rate; it warms up for a fiftieth of the training, and falls with a cosine."""
    weight_decay: float = 1e-3
    """Decoupled weight decay (Loshchilov and Hutter 2019)."""
    width: float = 1.0
    """Filters a layer, as a multiple of the network's own."""
    validation: int = 5000
    """Digits of MNIST's training set that are held back."""
    without: tuple[str, ...] = ()
    """Sources that are left out whole, such as ``unipen:apb``, ``mnist`` or ``amounts``."""
    feed: StringFeedSettings = field(default_factory=StringFeedSettings)
    """What an epoch is made of."""
