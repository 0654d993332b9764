"""From a training of the reader of strings to a bundle, and back through the same checks.

It is measured on strings that code composes of MNIST's test digits, so that whoever has MNIST can
measure it again; how it reads photographs benchmarks/paper.py tells.
"""

from __future__ import annotations

import hashlib
import platform
import zipfile
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
from digitcam.edge.string_image import HEIGHT_PX, STEP_PX, padded_width, string_fingerprint
from digitcam.edge.strings import LAID_OUT_PX
from digitcam.train.data import DigitData
from digitcam.train.epochs import Job
from digitcam.train.finished import METRICS, MODEL, RECIPE
from digitcam.train.run import FORMAT as RUN_FORMAT
from digitcam.train.run import read_json
from digitcam.train.strings.compose import Writer
from digitcam.train.strings.material import make_material
from digitcam.train.strings.reading import texts_of, truths_of, worth
from digitcam.train.strings.recipe import KIND, StringFeedSettings
from digitcam.train.strings.source import StringSource

from . import runtimes
from .agreement import compare, step_limit
from .apart import apart
from .bundle import bundle_files, bundle_stem, write_bundle
from .checks import graph_failures
from .errors import DiedError, RefusedError, RunFolderError, ToolError
from .graph import read_graph
from .network import convert_map, import_libraries
from .run import check_archive

TEST = StringFeedSettings(whole=0, spliced=0, composed=1000, nothing=200)
TEST_SEED = 1000
MAX_GAP_POINTS = 0.5
"""How far the strings read exactly in int8 may be from those in float, in percentage points, unless
the user allows more: six of the 1,200."""
AGAIN = "train again with digitcam-train-strings"
Say = Callable[[str], None]
Logits = list[NDArray[np.float32]]

CARD = """\
# {name}

A network that reads words whose digits touch: a 32 x W int8 image in, W / 4 steps of {classes} int8
logits out (blank and the digits), decoded by connectionist temporal classification; full-integer
TFLite, {bytes:,} bytes, laid out for W = {width} and resized by the runtime. Made by digitcam \
{digitcam}.

## How it was made
Trained for {epochs} epochs, seed {seed}, on strings of {photographs} photographs, on others spliced
of their parts, and on strings composed of single digits (`{preprocessing}`). Every setting, library
version and data digest is in `{name}.json`.

## Figures
| what | value |
| --- | --- |
| {strings:,} strings composed of MNIST's test digits, read exactly, float | {exact_float:.2%} |
| the same, int8, tflite-runtime | {exact_int8:.2%} |
| the same, int8, ai-edge-litert | {exact_litert:.2%} |
| logits of the two runtimes, largest difference | {max_step} of at most {step_limit} steps |
| size | {bytes:,} bytes |
| temperature of the softmax | {temperature:.3f} |

## Limits
- It is given words that hold digits, and reads digits alone: letters between them are left out.
- It fits the preprocessing named above and no other; digitcam refuses it beside another.

## Check it
    digitcam-convert --check {name}

in this folder measures the figures of the int8 model again. sha256 of `{name}.tflite`:

    {sha256}
"""


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
    _require_runtimes()
    stem = bundle_stem(out)
    stem.parent.mkdir(parents=True, exist_ok=True)
    images, truths = _test_strings(load())
    say(f"quantizing {folder / MODEL}, reading {len(images):,} strings in float")
    model, exact, versions = _apart(folder / MODEL, _quantize, _calibration(folder), images)
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
        raise RefusedError("nothing written, checks failed", failures)
    sidecar = {
        "format": FORMAT,
        "classes": list(STRING_CLASSES),
        "input": {"shape": [HEIGHT_PX, LAID_OUT_PX, 1], "dtype": "int8"},
        "temperature": bundle.temperature,
        "thresholds": {"min_confidence": bundle.min_confidence},
        "preprocessing": string_fingerprint(),
        "training": {**recipe, "metrics": metrics},
        "conversion": {
            "versions": {
                "digitcam": metadata.version("digitcam"),
                "python": platform.python_version(),
                "numpy": np.__version__,
                **versions,
                **runtimes.versions(),
            },
            "test": {"seed": TEST_SEED, **{k: v for k, v in asdict(TEST).items() if k in TOLD}},
            "max_gap_points": max_gap,
        },
        "figures": figures.as_dict(),
        "sha256": bundle.sha256,
    }
    write_bundle(stem, model, sidecar, _card(stem.name, sidecar))
    say(f"wrote {', '.join(str(path) for path in bundle_files(stem))}")
    return figures


def check_strings(path: Path, load: Callable[[], DigitData], say: Say) -> StringFigures:
    """Repeat the checks on a bundle.

    Raises:
        RefusedError: Checks failed; it tells them all.
        ConvertError: The libraries are not as needed.
    """
    bundle = load_bundle(bundle_stem(path))
    _require_runtimes()
    try:
        recorded = StringFigures(**bundle.sidecar["figures"])
        max_gap = float(bundle.sidecar["conversion"]["max_gap_points"])
    except (LookupError, TypeError, ValueError) as error:
        raise RefusedError(
            "1 check failed, the others need it",
            [f"{path}: expected figures of a reader of strings, cannot use them: {error!r}"],
        ) from error
    images, truths = _test_strings(load())
    say("checking the graph and both runtimes")
    figures, failures = _verify(bundle, images, truths, recorded)
    failures += _gaps(figures, max_gap)
    if failures:
        raise RefusedError("checks failed", failures)
    return figures


def _load_run(folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    recipe = read_json(folder / RECIPE)
    wanted = {"format": RUN_FORMAT, "preprocessing": string_fingerprint()}
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
    for key in ("temperature", "min_confidence"):
        if not isinstance(metrics.get(key), float):
            raise RunFolderError(
                f"{folder / METRICS}: {key} must be a number, found {metrics.get(key)!r}; {AGAIN}"
            )
    return recipe, metrics


def _require_runtimes() -> None:
    missing = runtimes.missing_runtimes()
    if missing:
        raise RefusedError("nothing done, the checks need both runtimes", missing)


def _calibration(folder: Path) -> NDArray[np.uint8]:
    """Return (N, 32, 128) uint8 images that ranges are measured on, a black one and a white one."""
    path = folder / "calibration.npz"
    try:
        with np.load(path) as content:
            images: NDArray[np.uint8] = content["images"][:, :, :LAID_OUT_PX]
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile) as error:
        raise RunFolderError(
            f"{path}: expected images to calibrate with, cannot read them: {error}; {AGAIN}"
        ) from error
    # So the input's range is exactly 0 to 1, and quantizing a pixel loses nothing.
    images[0] = 0
    images[1, 0, 0] = 255
    return images


def _test_strings(data: DigitData) -> tuple[list[GrayImage], list[str]]:
    """Compose strings of MNIST's test digits, the same each time."""
    source = StringSource(Writer(make_material(data.x_test, data.y_test)), TEST)
    images: list[GrayImage] = []
    truths: list[str] = []
    for place, (kind, amount) in enumerate(source.amounts.items()):
        made, widths, labels = source.make(Job((TEST_SEED, place), amount, kind))
        images += [image[:, :width] for image, width in zip(made, widths, strict=True)]
        truths += truths_of(labels)
    return images, truths


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
        network = keras.models.load_model(path, compile=False)
        steps = keras.Model(network.input, network.get_layer("logits").output)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunFolderError(
            f"{path}: expected a reader of strings of this version, found: {error!s:.100}; {AGAIN}"
        ) from error
    logits = [_float_logits(steps, image) for image in images]
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
    return convert_map(keras, tf, steps, calibration), logits, versions


def _float_logits(steps: Any, image: GrayImage) -> NDArray[np.float32]:
    filled = np.zeros((1, HEIGHT_PX, padded_width(image.shape[1]), 1), np.float32)
    filled[0, :, : image.shape[1], 0] = image / np.float32(255)
    made: NDArray[np.float32] = np.asarray(steps(filled, training=False))
    return made.reshape(filled.shape[2] // STEP_PX, -1)


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
        raise RefusedError("checks failed", failures)
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
        if abs(gap) > max_gap:
            failures.append(
                f"accuracy: strings read exactly by int8 on {runtime} must be within {max_gap} "
                f"points of float ({figures.exact_float:.2%}), found {found:.2%}, {gap:+.2f} "
                "points; train longer, or allow more with --max-gap"
            )
    return failures


def _card(name: str, sidecar: Mapping[str, Any]) -> str:
    training, figures = sidecar["training"], sidecar["figures"]
    return CARD.format(
        name=name,
        classes=len(STRING_CLASSES),
        width=LAID_OUT_PX,
        digitcam=sidecar["conversion"]["versions"]["digitcam"],
        epochs=training["metrics"]["epochs"],
        seed=training["seed"],
        photographs=training["data"]["strings"] or "no",
        preprocessing=sidecar["preprocessing"],
        temperature=sidecar["temperature"],
        sha256=sidecar["sha256"],
        **figures,
    )


TOLD = ("composed", "nothing")
"""What of TEST the sidecar tells: the other kinds need photographs."""
