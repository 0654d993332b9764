"""From a training run to a bundle on disk, and from a bundle back through the same checks."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

from digitcam.edge.bundle import Bundle, load_bundle
from digitcam.edge.errors import ModelError
from digitcam.edge.golden import golden_images, golden_of
from digitcam.train.augment import plain_images
from digitcam.train.data import DigitData
from digitcam.train.evaluation import digit_accuracy
from digitcam.train.finished import FinishedRun, is_raw

from . import runtimes
from .agreement import STEP
from .bundle import bundle_files, bundle_stem, write_bundle
from .card import build_card
from .checks import (
    MAX_GAP_POINTS,
    ROUNDING,
    Figures,
    Reference,
    allowed_steps,
    golden_failures,
    verify,
)
from .errors import RefusedError
from .network import quantize
from .run import calibration_extras, check_data, load_run
from .runtimes import missing_runtimes
from .samples import calibration_images
from .sidecar import build_sidecar

Say = Callable[[str], None]
LITERT_FIGURE = "mnist_test_accuracy_int8_litert"


def convert(
    folder: Path,
    out: Path,
    load: Callable[[], DigitData],
    say: Say,
    max_gap: float = MAX_GAP_POINTS,
) -> Figures:
    """Convert a training run and write the bundle, unless a check fails.

    Args:
        folder: Of the run.
        out: Where the bundle goes, with or without ``.tflite`` or ``.json``.
        load: Loads the digits; asked once the run is known to be whole.
        say: Is told of the progress.
        max_gap: How far the int8 accuracy may be from the float accuracy, in percentage points.

    Returns:
        What was measured.

    Raises:
        RefusedError: Checks failed, nothing was written; it tells them all.
        RunError: The run is not as needed.
        ConvertError: Its model, the data or the libraries are not as needed.
        OSError: The bundle cannot be written.

    """
    run = load_run(folder)
    require_runtimes("nothing converted")
    data = load()
    check_data(folder, run.recipe, data)
    stem = bundle_stem(out)
    stem.parent.mkdir(parents=True, exist_ok=True)
    model, figures, sidecar = _make(run, data, stem, say, max_gap)
    card = build_card(stem.name, sidecar)
    require_loadable(model, sidecar)
    write_bundle(stem, model, sidecar, card)
    say(f"wrote {', '.join(str(path) for path in bundle_files(stem))}")
    return figures


def check(path: Path, load: Callable[[], DigitData], say: Say) -> Figures:
    """Repeat the checks on a bundle.

    Args:
        path: The bundle with or without ``.tflite`` or ``.json``.
        load: Loads the digits; asked once the bundle is known to be whole.
        say: Is told of the progress.

    Returns:
        What was measured.

    Raises:
        RefusedError: Checks failed; it tells them all.
        ConvertError: The data or the libraries are not as needed.

    """
    try:
        bundle = load_bundle(bundle_stem(path))
    except ModelError as error:
        raise RefusedError(
            "1 check failed, the others need a whole bundle", [str(error)]
        ) from error
    require_runtimes("nothing checked")
    recorded = bundle.sidecar.get("figures")
    if not isinstance(recorded, dict) or not _is_part(recorded.get("mnist_test_accuracy_float")):
        raise RefusedError(
            "1 check failed, the others need it",
            [f"{path}: expected figures with mnist_test_accuracy_float, found {recorded!r:.60}"],
        )
    reference = _recorded_reference(path, bundle.sidecar, recorded)
    data = load()
    say("checking the graph and both runtimes")
    verdict = verify(bundle, reference, data)
    failures = [
        *other_data(bundle.sidecar, data),
        *verdict.failures,
        *golden_failures(bundle, reference.step_limit),
        *_other_figures(recorded, verdict.figures, reference.max_gap),
    ]
    if failures:
        raise RefusedError(f"{count_checks(failures)} failed", failures)
    return verdict.figures


def _make(
    run: FinishedRun, data: DigitData, stem: Path, say: Say, max_gap: float
) -> tuple[bytes, Figures, dict[str, Any]]:
    """Quantize, measure and describe; refuse if a check fails."""
    extras = calibration_extras(run)
    calibration = calibration_images(data.x_train, data.y_train, extras)
    say(
        f"quantizing {run.model_path} with {len(calibration)} calibration images, "
        f"reading {len(data.x_test):,} test digits in float"
    )
    images = plain_images(data.x_test)
    quantized = quantize(run.model_path, len(run.classes), calibration, images)
    say("checking the graph and both runtimes")
    accuracy_float = digit_accuracy(quantized.float_logits, data.y_test, run.classes)
    bundle = _unwritten(run, quantized.model, stem)
    may_differ = is_raw(run.recipe) or max_gap > MAX_GAP_POINTS
    reference = Reference(
        accuracy_float,
        max_gap,
        allowed_steps(quantized.model),
        quantized.float_logits if may_differ else None,
    )
    verdict = verify(bundle, reference, data)
    if verdict.failures:
        raise RefusedError(
            f"nothing written, {count_checks(verdict.failures)} failed", verdict.failures
        )
    limit = verdict.figures.agreement.limit if verdict.figures.agreement else STEP
    golden = golden_of(runtimes.logits(bundle, "tflite-runtime", golden_images()), limit)
    sidecar = build_sidecar(
        run, quantized, verdict.figures, golden, len(calibration), len(extras), max_gap
    )
    return quantized.model, verdict.figures, sidecar


def _unwritten(run: FinishedRun, model: bytes, stem: Path) -> Bundle:
    """Return the bundle as a device would load it if it were written."""
    return Bundle(
        model=model,
        name=str(bundle_files(stem)[0]),
        classes=run.classes,
        temperature=run.temperature,
        min_confidence=run.min_confidence,
        sha256=hashlib.sha256(model).hexdigest(),
        sidecar={},
    )


def require_runtimes(consequence: str) -> None:
    """Refuse to begin what one of the runtimes is missing for.

    Raises:
        RefusedError: It tells what is missing, after the consequence.
    """
    missing = missing_runtimes()
    if missing:
        raise RefusedError(f"{consequence}, the checks need both runtimes", missing)


def require_loadable(model: bytes, sidecar: Mapping[str, Any]) -> None:
    """Have the device's own loader read the bundle before it gets its name.

    Raises:
        RefusedError: It cannot.
    """
    with tempfile.TemporaryDirectory() as folder:
        rehearsal = Path(folder) / "bundle"
        write_bundle(rehearsal, model, sidecar, "")
        try:
            load_bundle(rehearsal)
        except ModelError as error:
            reason = str(error).replace(f"{folder}/", "")
            raise RefusedError("nothing written, 1 check failed", [reason]) from error


def other_data(sidecar: Mapping[str, Any], data: DigitData) -> list[str]:
    """Tell, in a sentence, of other test digits than those that a bundle was measured on."""
    training = sidecar.get("training")
    recorded = training.get("data") if isinstance(training, dict) else None
    digest = data.digests()["x_test"]
    if isinstance(recorded, dict) and recorded.get("x_test") == digest:
        return []
    return [
        "data: expected the test digits that the sidecar's figures are about "
        f"(training, data, x_test), found others ({digest:.12}…); give the same with --data"
    ]


def _recorded_reference(
    path: Path, sidecar: Mapping[str, Any], figures: Mapping[str, Any]
) -> Reference:
    """Return what the bundle was held against when it was made; older ones do not tell all."""
    conversion = sidecar.get("conversion")
    holder = conversion if isinstance(conversion, dict) else {}
    max_gap = holder.get("max_gap_points", MAX_GAP_POINTS)
    limit = figures.get("golden_step_limit", STEP)
    if not is_within(max_gap, 0, 100) or not is_within(limit, STEP, 255):
        raise RefusedError(
            "1 check failed, the others need it",
            [
                f"{path}: expected max_gap_points from 0 to 100 and golden_step_limit from {STEP} "
                f"to 255, found {max_gap!r:.60} and {limit!r:.60}"
            ],
        )
    return Reference(figures["mnist_test_accuracy_float"], float(max_gap), int(limit))


def _other_figures(recorded: Mapping[str, Any], measured: Figures, max_gap: float) -> list[str]:
    """Compare what the sidecar says with what was measured; another processor may differ a bit."""
    failures = []
    if recorded.get("bytes") != measured.bytes:
        failures.append(
            f"figures: bytes must be {measured.bytes}, the sidecar says {recorded.get('bytes')!r}"
        )
    accuracies = {"mnist_test_accuracy_int8": measured.accuracy_int8}
    if LITERT_FIGURE in recorded:  # older bundles do not tell
        accuracies[LITERT_FIGURE] = measured.accuracy_litert
    for name, found in accuracies.items():
        said = recorded.get(name)
        if found is not None and not (
            _is_part(said) and abs(said - found) * 100 <= max_gap + ROUNDING
        ):
            failures.append(
                f"figures: {name} must be {found} within {max_gap} points, "
                f"the sidecar says {said!r}"
            )
    return failures


def _is_part(value: object) -> TypeGuard[float]:
    return is_within(value, 0, 1)


def is_within(value: object, low: float, high: float) -> TypeGuard[float]:
    """Say whether something is a number within bounds."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and low <= value <= high  # type: ignore[operator]


def count_checks(failures: Sequence[str]) -> str:
    """Return how many checks failed, as a message has it."""
    number = len(failures)
    return f"{number} check{'s' if number > 1 else ''}"
