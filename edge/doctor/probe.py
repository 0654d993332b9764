"""What may hang, or die of a signal: tried in a process of its own, which prints JSON.

``python -m digitcam.edge.doctor.probe runtime MODEL RUNTIME THREADS`` or ``... probe cameras``.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

MODULE = "digitcam.edge.doctor.probe"
DISTRIBUTIONS = ("tflite-runtime", "ai-edge-litert", "numpy")
"""Whose versions are told."""


def probe_runtime(model: str, runtime: Any, threads: str) -> dict[str, Any]:
    """Build an interpreter and run the golden images: which runtime, and how far its logits are."""
    from ..bundle import load_bundle
    from ..classify import Classifier
    from ..golden import golden_images, images_digest

    bundle = load_bundle(Path(model))
    classifier = Classifier(bundle, runtime, int(threads), rehearsed=True)
    logits = classifier.logits(golden_images())
    answer: dict[str, Any] = {"runtime": classifier.runtime}
    if bundle.golden is not None and bundle.golden.images == images_digest():
        answer["steps"] = bundle.golden.steps(logits)
        answer["limit"] = bundle.golden.limit
        answer["alike"] = bundle.golden.reads_alike(logits)
    return answer


def probe_cameras() -> dict[str, Any]:
    """List the cameras that libcamera sees: their sensors, in picamera2's order."""
    library = importlib.import_module("picamera2")
    found = library.Picamera2.global_camera_info()
    return {"cameras": [str(camera.get("Model", "unknown")) for camera in found]}


def versions() -> dict[str, str]:
    """Return the versions of what is installed of runtimes and numpy."""
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


PROBES: dict[str, Callable[..., dict[str, Any]]] = {
    "runtime": probe_runtime,
    "cameras": probe_cameras,
}


def main(argv: list[str]) -> int:
    """Print what a probe found, or what it raised, as one JSON object."""
    name, *arguments = argv
    try:
        answer = PROBES[name](*arguments)
    except Exception as error:  # whatever foreign libraries raise is what is asked for
        first = (str(error).strip().splitlines() or [""])[0]
        answer = {"error": f"{type(error).__name__}: {first}".removesuffix(": ")}
    print(json.dumps({**answer, "versions": versions()}))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
