"""Accuracy of bundles on MNIST's test set, as the device tells single marks, under each runtime.

All are digits there, so the likeliest of the ten digits counts, not the class for no digit.

python benchmarks/mnist.py --data mnist.npz
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import DEFAULT_BUNDLE, Bundle, load_bundle
from digitcam.edge.classify import MODULES, Classifier
from digitcam.edge.errors import EdgeError, RuntimeUnavailableError
from digitcam.train.augment import plain_images
from digitcam.train.data import load_digits
from digitcam.train.errors import TrainError
from digitcam.train.evaluation import digit_accuracy

TINY_BUNDLE = DEFAULT_BUNDLE.with_name("digits-tiny")


@dataclass(frozen=True)
class Target:
    """What a bundle has to reach."""

    accuracy: float
    """Least part of the digits read right, 0 to 1."""
    size: int
    """Most bytes of the .tflite."""


TARGETS = {
    DEFAULT_BUNDLE.name: Target(accuracy=0.996, size=100_000),
    TINY_BUNDLE.name: Target(accuracy=0.995, size=20_000),
}


def main() -> int:
    """Print the accuracy under each installed runtime; 1 if a bundle or the data is amiss."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="mnist.npz or its folder (or DIGITCAM_DATA)")
    parser.add_argument(
        "--model", type=Path, nargs="+", help="bundles (default: those that are shipped)"
    )
    options = parser.parse_args()
    try:
        bundles = [load_bundle(path) for path in options.model or (DEFAULT_BUNDLE, TINY_BUNDLE)]
        data = load_digits(options.data)
    except (EdgeError, TrainError) as error:
        print(f"mnist: {error}", file=sys.stderr)
        return 1
    for bundle in bundles:
        _measure(bundle, data.x_test, data.y_test)
    return 0


def _measure(bundle: Bundle, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
    target = TARGETS.get(Path(bundle.name).stem, TARGETS[DEFAULT_BUNDLE.name])
    size = len(bundle.model)
    print(f"{bundle.name}: {size} bytes (at most {target.size}: {_verdict(size <= target.size)})")
    for runtime in MODULES:
        try:
            classifier = Classifier(bundle, runtime)  # type: ignore[arg-type]
        except RuntimeUnavailableError as error:
            print(f"{runtime}: skipped, {error}")
            continue
        told = classifier.probabilities(plain_images(images))
        accuracy = digit_accuracy(told, labels, bundle.classes)
        print(
            f"{runtime}: {accuracy:.2%} of {len(images)} right, "
            f"{round((1 - accuracy) * len(images))} wrong "
            f"(at least {target.accuracy:.1%}: {_verdict(accuracy >= target.accuracy)})"
        )


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
