"""The first use of a model: tried in a process of its own, and remembered.

A damaged graph whose hash fits its sidecar ends the process that runs it, without a word. So a
model that does not ship with the package is built and run by a child first, and what it makes of
the golden images is compared with the sidecar's.

``python -m digitcam.edge.rehearsal NAME RUNTIME THREADS HEIGHT WIDTH PLACES CLASSES``, with the
model on stdin.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from .bundle import AGAIN, Bundle
from .errors import ModelError
from .golden import golden_images, images_digest
from .reading.view import IMAGE_SHAPE

MODULE = "digitcam.edge.rehearsal"
LIMIT_S = 60.0
"""Time limit of a child, on a Pi Zero with a slow card too."""
DISTRIBUTIONS = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}
"""What the runtimes are called where their versions are."""
FOLDER = "tried-models"
"""Of the state directory of a service, or of the user's cache."""


def rehearse(
    bundle: Bundle, runtime: str, threads: int, image_shape: tuple[int, int], places: int
) -> None:
    """Have a child run a model, unless it was tried before.

    Args:
        bundle: The model.
        runtime: Name of the runtime.
        threads: Processors the runtime may use.
        image_shape: (height, width) of the images that the model is laid out for.
        places: Places of an image at which it gives a logit a class.

    Raises:
        ModelError: The child died or found fault with it, or the golden logits are others.
    """
    memory = _memory(bundle, runtime, image_shape)
    if memory is not None and memory.exists():
        return
    _check_golden(bundle, runtime, _try(bundle, runtime, threads, image_shape, places))
    if memory is not None:
        with suppress(OSError):  # It is tried again the next time.
            memory.parent.mkdir(parents=True, exist_ok=True)
            memory.touch()


def _memory(bundle: Bundle, runtime: str, image_shape: tuple[int, int]) -> Path | None:
    """Return the file that is there once a model was tried; None where there is no place."""
    golden = bundle.golden and bundle.golden.as_dict()
    version = metadata.version(DISTRIBUTIONS[runtime])
    known = [bundle.sha256, bundle.classes, golden, runtime, version, image_shape]
    digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()
    state = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if state:
        return Path(state) / FOLDER / digest
    try:
        cache = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    except RuntimeError:  # nobody's home
        return None
    return Path(cache) / "digitcam" / FOLDER / digest


def _try(
    bundle: Bundle, runtime: str, threads: int, image_shape: tuple[int, int], places: int
) -> list[str]:
    """Return the logits of each image, in hexadecimal."""
    numbers = (threads, *image_shape, places, len(bundle.classes))
    command = [sys.executable, "-P", "-m", MODULE, bundle.name, runtime, *map(str, numbers)]
    try:
        ran = subprocess.run(  # noqa: S603  this module
            command, input=bundle.model, capture_output=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _refusal(bundle, runtime, f"takes longer than {LIMIT_S:.0f} s") from error
    except OSError as error:
        raise _refusal(bundle, runtime, f"cannot be tried: {error.strerror}") from error
    try:
        answer = json.loads(ran.stdout.splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise _refusal(bundle, runtime, f"was ended by {_ending(ran)}") from error
    if "error" in answer:
        raise ModelError(answer["error"])
    logits: list[str] = answer["logits"]
    return logits


def _check_golden(bundle: Bundle, runtime: str, logits: list[str]) -> None:
    golden = bundle.golden
    if golden is None or golden.images != images_digest() or len(logits) != len(golden.logits):
        return
    found = np.stack([np.frombuffer(bytes.fromhex(row), np.int8) for row in logits])
    steps = golden.steps(found)
    if steps > golden.limit and not golden.reads_alike(found):
        raise ModelError(
            f"{bundle.name}: the sidecar's golden logits must come of it on {runtime}, within "
            f"{golden.limit} steps, found {steps} and other answers; copy both files again or "
            f"{AGAIN}"
        )


def _refusal(bundle: Bundle, runtime: str, found: str) -> ModelError:
    return ModelError(
        f"{bundle.name}: expected a model that {runtime} runs, found that a trial {found}; "
        f"copy both files again or {AGAIN}"
    )


def _ending(ran: subprocess.CompletedProcess[bytes]) -> str:
    if ran.returncode < 0:
        return f"signal {-ran.returncode} ({signal.strsignal(-ran.returncode)})"
    last = (ran.stderr.decode(errors="replace").strip().splitlines() or ["nothing on stderr"])[-1]
    return f"exit status {ran.returncode} ({last:.100})"


def _run(name: str, runtime: Any, *numbers: str) -> list[str]:
    """Run the model on stdin: alone, and in a batch as the reader does."""
    from .classify import BATCH_STEP, Network

    threads, height, width, places, classes = map(int, numbers)
    model = sys.stdin.buffer.read()
    bundle = Bundle(model, name, ("",) * classes, 1, 0, "", {})
    network = Network(bundle, runtime, threads, (height, width), places, rehearsed=True)
    shape, images = (height, width), golden_images()
    if shape != IMAGE_SHAPE:
        images = np.zeros((1, *shape), np.uint8)
    rows = [network.invoke(image[None]).copy().reshape(-1) for image in images]
    network.invoke(np.repeat(images[:1], BATCH_STEP, axis=0))
    return [row.tobytes().hex() for row in rows]


def main(argv: list[str]) -> int:
    """Print the logits, or what was raised, as one JSON object."""
    for number in (signal.SIGTERM, signal.SIGHUP):  # They are meant for the service.
        signal.signal(number, signal.SIG_IGN)
    try:
        answer: dict[str, Any] = {"logits": _run(*argv)}
    except ModelError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))  # noqa: T201 - it is the answer
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
