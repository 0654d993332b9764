"""Reads a picture and prints its digits and logits as JSON; runs natively and emulated.

usage: read_sample.py IMAGE RUNTIME CROPS.npy

The first to run writes the crops that the model is given; later ones classify those, so that logits
are compared on equal images. How equal their own crops are, they tell too.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from digitcam.edge import Recognizer
from digitcam.edge.bundle import DEFAULT_BUNDLE, load_bundle
from digitcam.edge.classify import Classifier
from digitcam.edge.settings import Runtime, Settings


class Recorder:
    """Keeps the model images that pass by."""

    def __init__(self) -> None:
        self.images: list[NDArray[np.uint8]] = []

    def watch(self, classifier: Classifier) -> None:
        """Keep what this classifier is given."""
        logits = classifier.logits

        def logits_of(images: NDArray[np.uint8]) -> NDArray[np.int8]:
            self.images.append(images.copy())
            return logits(images)

        classifier.logits = logits_of  # type: ignore[method-assign]


def main() -> None:
    image, runtime, crops = Path(sys.argv[1]), cast(Runtime, sys.argv[2]), Path(sys.argv[3])
    recognizer, recorder = Recognizer(settings=Settings(runtime=runtime)), Recorder()
    recorder.watch(recognizer.classifier)
    text = recognizer.read(image).text
    own = np.concatenate(recorder.images)
    if not crops.exists():
        np.save(crops, own)
    given = np.load(crops)
    classifier = Classifier(load_bundle(DEFAULT_BUNDLE), runtime)
    told = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "runtime": classifier.runtime,
        "text": text,
        "crops": len(own),
        "crops_equal": bool(own.shape == given.shape and (own == given).all()),
        "logits": classifier.logits(given).tolist(),
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
