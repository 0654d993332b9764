"""Networks by name: digitcam's own, and published ones with the training that they came with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import RunError
from . import amity2021, flagship, jetir2021, phase2_2025, teacher, teresa2024, tiny, wbsu2023
from .preset import Preset, Reported

if TYPE_CHECKING:
    import keras

__all__ = ["PRESETS", "Preset", "Reported", "build_model", "find_preset"]

PRESETS: dict[str, Preset] = {
    **flagship.PRESETS,
    **tiny.PRESETS,
    **teacher.PRESETS,
    **wbsu2023.PRESETS,
    **teresa2024.PRESETS,
    **jetir2021.PRESETS,
    **amity2021.PRESETS,
    **phase2_2025.PRESETS,
}


def find_preset(name: str) -> Preset:
    """Return a preset.

    Raises:
        RunError: None has that name.
    """
    if name not in PRESETS:
        raise RunError(f"architecture {name!r} is unknown; known are {', '.join(PRESETS)}")
    return PRESETS[name]


def build_model(name: str, classes: int, width: float = 1.0) -> keras.Model:
    """Return a fresh model: (N, 28, 28, 1) float32, 0 to 1 -> (N, ..., classes) logits.

    Args:
        name: Of the preset.
        classes: Logits an image.
        width: Filters a layer, as a multiple of the network's own.

    Raises:
        RunError: No preset has that name, or a published network is to have another width.
    """
    preset = find_preset(name)
    if preset.published and width != 1:
        raise RunError(f"width of {name} must be 1, as it was published, found {width}")
    return preset.build(classes) if preset.published else preset.build(classes, width)
