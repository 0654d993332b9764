"""Accuracy of a bundle on MNIST's test set, through the device's crop, under each runtime.

python benchmarks/mnist.py --data mnist.npz
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from digitcam.edge.bundle import DEFAULT_BUNDLE, load_bundle
from digitcam.edge.classify import MODULES, Classifier
from digitcam.edge.errors import EdgeError, RuntimeUnavailableError
from digitcam.train.augment import plain_images
from digitcam.train.data import load_digits
from digitcam.train.errors import TrainError

TARGET = 0.996
MAX_BYTES = 100_000


def main() -> int:
    """Print the accuracy under each installed runtime; 1 if the bundle or the data is amiss."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="mnist.npz or its folder (or DIGITCAM_DATA)")
    parser.add_argument("--model", type=Path, default=DEFAULT_BUNDLE)
    options = parser.parse_args()
    try:
        bundle = load_bundle(options.model)
        data = load_digits(options.data)
    except (EdgeError, TrainError) as error:
        print(f"mnist: {error}", file=sys.stderr)
        return 1
    size = len(bundle.model)
    print(f"{bundle.name}: {size} bytes (at most {MAX_BYTES}: {_verdict(size <= MAX_BYTES)})")
    images = plain_images(data.x_test)
    for runtime in MODULES:
        try:
            logits = Classifier(bundle, runtime).logits(images)  # type: ignore[arg-type]
        except RuntimeUnavailableError as error:
            print(f"{runtime}: skipped, {error}")
            continue
        wrong = int((logits[:, :10].argmax(axis=1) != data.y_test).sum())
        accuracy = 1 - wrong / len(images)
        print(
            f"{runtime}: {accuracy:.2%} of {len(images)} right, {wrong} wrong "
            f"(at least {TARGET:.1%}: {_verdict(accuracy >= TARGET)})"
        )
    return 0


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
