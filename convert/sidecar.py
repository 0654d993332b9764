"""What the sidecar of a bundle says."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np

from digitcam.edge.bundle import FORMAT
from digitcam.edge.golden import Golden
from digitcam.train.finished import FinishedRun

from . import runtimes
from .checks import Figures
from .network import INPUT_SHAPE, Quantized
from .samples import CALIBRATION_SEED, GOLDEN_SEED


def build_sidecar(
    run: FinishedRun,
    quantized: Quantized,
    figures: Figures,
    golden: Golden,
    samples: int,
    extras: int,
    max_gap: float,
) -> dict[str, Any]:
    """Put together everything that is known of a converted model.

    Args:
        run: What was converted.
        quantized: What it became.
        figures: What was measured.
        golden: What it made of the images that a device draws to compare.
        samples: How many calibration images there were.
        extras: How many of them came from the run's folder.
        max_gap: How far the int8 accuracy was allowed to be from the float accuracy, in points.

    """
    return {
        "format": FORMAT,
        "classes": list(run.classes),
        "input": {"shape": list(INPUT_SHAPE), "dtype": "int8"},
        "temperature": run.temperature,
        "thresholds": {"min_confidence": run.min_confidence},
        "preprocessing": run.preprocessing,
        "training": {**run.recipe, "metrics": _plain(run.metrics)},
        "conversion": {
            "versions": _versions(quantized),
            "calibration": {
                "samples": samples,
                "from_run": extras,
                "seed": CALIBRATION_SEED,
            },
            "golden": {"seed": GOLDEN_SEED},
            "max_gap_points": max_gap,
        },
        "figures": figures.as_dict(),
        "golden": golden.as_dict(),
        "sha256": hashlib.sha256(quantized.model).hexdigest(),
    }


def _plain(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the single numbers and words; tables and curves stay with the run."""
    return {key: value for key, value in metrics.items() if isinstance(value, str | int | float)}


def _versions(quantized: Quantized) -> dict[str, str]:
    return {
        "digitcam": metadata.version("digitcam"),
        "python": platform.python_version(),
        "numpy": np.__version__,
        **quantized.versions,
        **runtimes.versions(),
    }
