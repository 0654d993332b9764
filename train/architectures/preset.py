"""What a named network is: how it is built, how it is trained, and what was reported of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..run import Recipe

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Reported:
    """An accuracy on MNIST as a publication gives it."""

    accuracy: float
    """0 to 1."""
    on: Literal["test", "validation"] = "test"
    """Digits that it was measured on."""
    up_to: float | None = None
    """Upper end where a range was given."""

    def __str__(self) -> str:
        """Return the accuracy in percent."""
        upper = f" to {self.up_to:.2%}" if self.up_to else ""
        return f"{self.accuracy:.2%}{upper}"


@dataclass(frozen=True)
class Preset:
    """A network with its own training."""

    build: Callable[..., keras.Model]
    """Takes how many classes, and a width if it is digitcam's own: (N, 28, 28, 1) float32, 0 to 1
    -> (N, ..., classes) logits."""
    recipe: Recipe
    """Everything that decides the training's result."""
    about: str
    """The network in a line."""
    reported: Reported | None = None
    """None of digitcam's own."""

    @property
    def published(self) -> bool:
        """Whether it was published elsewhere, trained on MNIST as it is."""
        return self.recipe.feed is None
