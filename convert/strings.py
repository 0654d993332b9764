"""From a training of the reader of strings to a bundle, and back through the same checks.

It is measured on numbers that code writes with MNIST's test digits, so that whoever has MNIST can
measure it again; how it reads photographs benchmarks/paper.py tells.
"""

from __future__ import annotations

import hashlib
import math
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import FORMAT, STRING_CLASSES, Bundle, load_bundle
from digitcam.edge.errors import EdgeError
from digitcam.edge.frame import GrayImage
from digitcam.edge.reading.word_image import HEIGHT_PX, logits_by_width, word_fingerprint
from digitcam.edge.reading.words import LAID_OUT_PX
from digitcam.train.damage import DAMAGE, load_arrays, reason_of
from digitcam.train.data import DigitData
from digitcam.train.finished import METRICS, MODEL, RECIPE
from digitcam.train.network import network_input
from digitcam.train.run import FORMAT as RUN_FORMAT
from digitcam.train.run import read_json
from digitcam.train.strings.reading import texts_of, truths_of, worth
from digitcam.train.strings.recipe import KIND
from digitcam.train.strings.source import written_numbers

from . import runtimes
from .agreement import compare, step_limit
from .apart import apart
from .bundle import bundle_files, bundle_stem, write_bundle
from .checks import ROUNDING, graph_failures
from .convert import count_checks, is_within, other_data, require_loadable, require_runtimes
from .errors import DiedError, RefusedError, RunFolderError, ToolError
from .graph import read_graph
from .network import BATCH, convert_map, import_libraries
from .run import check_archive, check_data
from .string_card import build_string_card

TEST = 1200
"""Numbers that are written."""
TEST_SEED = 1000
MAX_GAP_POINTS = 0.5
"""How far the strings read exactly in int8 may be from those in float, in percentage points, unless
the user allows more: six of the 1,200."""
AGAIN = "train again with digitcam-train-strings"
Say = Callable[[str], None]
Logits = list[NDArray[np.float32]]


@dataclass(frozen=True)
class StringFigures:
    """What was measured; shares of strings read exactly are parts of 1."""

    bytes: int
    """Size of the .tflite."""
    strings: int
    exact_float: float
    exact_int8: float
    """On tflite-runtime."""
    exact_litert: float
    max_step: int
    """Largest difference of a logit between the runtimes, in quantization steps."""
    step_limit: int

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as the sidecar holds them."""
        return asdict(self)


def is_string_run(folder: Path) -> bool:
    """Say whether a run folder is one of the reader of strings."""
    path = folder / RECIPE
    return path.is_file() and read_json(path).get("kind") == KIND


def is_string_bundle(path: Path) -> bool:
    """Say whether a bundle reads strings; a damaged one does not."""
    try:
        return load_bundle(bundle_stem(path)).classes == STRING_CLASSES
    except EdgeError:
        return False


def convert_strings(
    folder: Path, out: Path, load: Callable[[], DigitData], say: Say, max_gap: float
) -> StringFigures:
    """Convert a training of the reader of strings and write the bundle, unless a check fails.

    Args:
        folder: Of the run.
        out: Where the bundle goes, with or without ``.tflite`` or ``.json``.
        load: Loads MNIST.
        say: Is told of the progress.
        max_gap: How far int8 may be from float, in percentage points of strings read exactly.

    Raises:
        RefusedError: Checks failed, nothing was written; it tells them all.
        ConvertError: The run or the libraries are not as needed.
        OSError: The bundle cannot be written.
    """
    recipe, metrics = _load_run(folder)
    calibration = _calibration(folder)
    require_runtimes("nothing converted")
    data = load()
    check_data(folder, recipe, data)
    stem = bundle_stem(out)
    stem.parent.mkdir(parents=True, exist_ok=True)
    images, truths = _test_strings(data)
    say(f"quantizing {folder / MODEL}, reading {len(images):,} strings in float")
    model, exact, versions = _apart(folder / MODEL, _quantize, calibration, images)
    bundle = Bundle(
        model=model,
        name=str(bundle_files(stem)[0]),
        classes=STRING_CLASSES,
        temperature=float(metrics["temperature"]),
        min_confidence=float(metrics["min_confidence"]),
        sha256=hashlib.sha256(model).hexdigest(),
        sidecar={},
    )
    say("checking the graph and both runtimes")
    figures, failures = _verify(bundle, images, truths, exact)
    failures += _gaps(figures, max_gap)
    if failures:
        raise RefusedError(f"nothing written, {count_checks(failures)} failed", failures)
    sidecar = {
        "format": FORMAT,
        "classes": list(STRING_CLASSES),
        "input": {"shape": [HEIGHT_PX, LAID_OUT_PX, 1], "dtype": "int8"},
        "temperature": bundle.temperature,
        "thresholds": {"min_confidence": bundle.min_confidence},
        "preprocessing": word_fingerprint(),
        "training": {**recipe, "metrics": metrics},
        "conversion": {
            "versions": {
                "digitcam": metadata.version("digitcam"),
                "python": platform.python_version(),
                "numpy": np.__version__,
                **versions,
                **runtimes.versions(),
            },
            "test": {"seed": TEST_SEED, "numbers": TEST},
            "max_gap_points": max_gap,
        },
        "figures": figures.as_dict(),
        "sha256": bundle.sha256,
    }
    card = build_string_card(stem.name, sidecar)
    require_loadable(model, sidecar)
    write_bundle(stem, model, sidecar, card)
    say(f"wrote {', '.join(str(path) for path in bundle_files(stem))}")
    return figures


def check_strings(path: Path, load: Callable[[], DigitData], say: Say) -> StringFigures:
    """Repeat the checks on a bundle.

    Raises:
        RefusedError: Checks failed; it tells them all.
        ConvertError: The libraries are not as needed.
    """
    bundle = load_bundle(bundle_stem(path))
    require_runtimes("nothing checked")
    recorded, max_gap = _recorded(path, bundle.sidecar)
    data = load()
    images, truths = _test_strings(data)
    say("checking the graph and both runtimes")
    figures, failures = _verify(bundle, images, truths, recorded)
    failures += [
        *other_data(bundle.sidecar, data),
        *_gaps(figures, max_gap),
        *_other_figures(recorded, figures, max_gap),
    ]
    if failures:
        raise RefusedError(f"{count_checks(failures)} failed", failures)
    return figures


def _recorded(path: Path, sidecar: Mapping[str, Any]) -> tuple[StringFigures, float]:
    """Return the figures that a sidecar tells, and the gap that it was made with."""
    try:
        figures = StringFigures(**sidecar["figures"])
        max_gap = sidecar["conversion"]["max_gap_points"]
    except (LookupError, TypeError) as error:
        raise _unusable(path, repr(error)) from error
    if not is_within(max_gap, 0, 100):
        raise _unusable(path, f"max_gap_points must be from 0 to 100, found {max_gap!r:.60}")
    for name, value in figures.as_dict().items():
        if not is_within(value, 0, 1 if name.startswith("exact") else math.inf):
            raise _unusable(path, f"{name} cannot be {value!r:.60}")
    return figures, max_gap


def _unusable(path: Path, reason: str) -> RefusedError:
    return RefusedError(
        "1 check failed, the others need it",
        [f"{path}: expected the figures of a reader of strings, cannot use them: {reason}"],
    )


def _other_figures(recorded: StringFigures, found: StringFigures, max_gap: float) -> list[str]:
    """Compare what the sidecar says with what was measured; another processor may differ a bit."""
    said, measured = recorded.as_dict(), found.as_dict()
    failures = [
        f"figures: {name} must be {measured[name]}, the sidecar says {said[name]}"
        for name in ("bytes", "strings")
        if said[name] != measured[name]
    ]
    for name in ("exact_int8", "exact_litert"):
        if abs(said[name] - measured[name]) * 100 > max_gap + ROUNDING:
            failures.append(
                f"figures: {name} must be {measured[name]} within {max_gap} points, the sidecar "
                f"says {said[name]}"
            )
    return failures


def _load_run(folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    recipe = read_json(folder / RECIPE)
    wanted = {"format": RUN_FORMAT, "preprocessing": word_fingerprint()}
    for key, value in wanted.items():
        if recipe.get(key) != value:
            raise RunFolderError(
                f"{folder / RECIPE}: {key} must be {value}, found {recipe.get(key)!r}; {AGAIN} of "
                "this version"
            )
    missing = [name for name in (MODEL, METRICS) if not (folder / name).is_file()]
    if missing:
        raise RunFolderError(
            f"{folder}: expected a finished training, missing {' and '.join(missing)}; finish it "
            f"with digitcam-train-strings --out {folder} and its flags"
        )
    check_archive(folder / MODEL)
    metrics = read_json(folder / METRICS)
    for key in ("temperature", "min_confidence", "epochs"):
        if not is_within(metrics.get(key), 0, math.inf):
            raise RunFolderError(
                f"{folder / METRICS}: {key} must be a number, found {metrics.get(key)!r}; {AGAIN}"
            )
    return recipe, metrics


def _calibration(folder: Path) -> NDArray[np.uint8]:
    """Return (N, 32, 128) uint8 images that ranges are measured on, a black one and a white one."""
    path = folder / "calibration.npz"
    try:
        images: NDArray[np.uint8] = load_arrays(path)["images"][:, :, :LAID_OUT_PX]
    except DAMAGE as error:
        raise RunFolderError(
            f"{path}: expected images to calibrate with, cannot read them: {reason_of(error)}; "
            f"{AGAIN}"
        ) from error
    if images.dtype != np.uint8 or len(images) < 2 or images.shape[1:] != (HEIGHT_PX, LAID_OUT_PX):
        raise RunFolderError(
            f"{path}: images must be at least two of {HEIGHT_PX} x {LAID_OUT_PX} px or wider, "
            f"uint8, found {images.shape} {images.dtype}; {AGAIN}"
        )
    # So the input's range is exactly 0 to 1, and quantizing a pixel loses nothing.
    images[0] = 0
    images[1, 0, 0] = 255
    return images


def _test_strings(data: DigitData) -> tuple[list[GrayImage], list[str]]:
    """Write numbers with MNIST's test digits, the same each time."""
    images, widths, labels = written_numbers((data.x_test, data.y_test), TEST, TEST_SEED)
    cut = [image[:, :width] for image, width in zip(images, widths, strict=True)]
    return cut, truths_of(labels)


def _apart(
    path: Path, work: Callable[..., Any], *arguments: object
) -> tuple[bytes, Logits, dict[str, str]]:
    try:
        return apart(work, path, *arguments)  # type: ignore[no-any-return]
    except DiedError as error:
        raise ToolError(
            f"{path}: TensorFlow cannot convert it: {error}; --debug shows more"
        ) from error


def _quantize(
    path: Path, calibration: NDArray[np.uint8], images: Sequence[GrayImage]
) -> tuple[bytes, Logits, dict[str, str]]:
    keras, tf = import_libraries()
    try:
        network = keras.models.load_model(path, compile=False, safe_mode=True)
        steps = keras.Model(network.input, network.get_layer("logits").output)
    except DAMAGE as error:
        raise RunFolderError(
            f"{path}: expected a reader of strings of this version, found: {reason_of(error)}; "
            f"{AGAIN}"
        ) from error
    logits = _float_logits(steps, images)
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
    return convert_map(keras, tf, steps, calibration), logits, versions


def _float_logits(network: Any, images: Sequence[GrayImage]) -> Logits:
    """Return (W / 4, classes) float32 an image; those of one width are a batch."""
    return logits_by_width(
        images,
        lambda batch: network.predict(network_input(batch), batch_size=BATCH, verbose=0),
    )


def _verify(
    bundle: Bundle,
    images: Sequence[GrayImage],
    truths: Sequence[str],
    reference: Logits | StringFigures,
) -> tuple[StringFigures, list[str]]:
    """Check the graph, and what both runtimes make of the strings.

    Args:
        bundle: On disk or not yet.
        images: Strings' images.
        truths: What is written on them.
        reference: The float network's logits, or the figures that were measured with them.
    """
    failures = graph_failures(bundle.model, (1, HEIGHT_PX, LAID_OUT_PX, 1))
    logits: dict[str, list[NDArray[np.int8]]] = {}
    for runtime in runtimes.DISTRIBUTIONS:
        try:
            logits[runtime] = runtimes.string_logits(bundle, runtime, images)
        except EdgeError as error:
            failures.append(str(error))
    if failures:
        raise RefusedError(f"{count_checks(failures)} failed", failures)
    exact = {name: worth(texts_of(_real(made)), truths).exact for name, made in logits.items()}
    device, successor = (np.concatenate(logits[name]) for name in ("tflite-runtime", "litert"))
    if isinstance(reference, StringFigures):
        exact_float, limit = reference.exact_float, reference.step_limit
    else:
        exact_float = worth(texts_of(reference), truths).exact
        output = read_graph(bundle.model).outputs[0]
        limit = step_limit(device, np.concatenate(reference), output.scale, output.zero_point)
    agreement = compare(device, successor, limit)
    figures = StringFigures(
        len(bundle.model),
        len(images),
        exact_float,
        exact["tflite-runtime"],
        exact["litert"],
        agreement.max_step,
        limit,
    )
    return figures, agreement.failures()


def _real(logits: Sequence[NDArray[np.int8]]) -> Logits:
    """Return quantized logits as numbers; the likeliest class of a step is the same."""
    return [steps.astype(np.float32) for steps in logits]


def _gaps(figures: StringFigures, max_gap: float) -> list[str]:
    failures = []
    for runtime, found in (
        ("tflite-runtime", figures.exact_int8),
        ("litert", figures.exact_litert),
    ):
        gap = 100 * (found - figures.exact_float)
        if abs(gap) > max_gap + ROUNDING:
            failures.append(
                f"accuracy: strings read exactly by int8 on {runtime} must be within {max_gap} "
                f"points of float ({figures.exact_float:.2%}), found {found:.2%}, {gap:+.2f} "
                "points; train longer, or allow more with --max-gap"
            )
    return failures
