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

from . import runtimes
from .bundle import bundle_files, bundle_stem, write_bundle
from .card import build_card
from .checks import MAX_GAP_POINTS, Figures, golden_failures, verify
from .errors import RefusedError
from .network import quantize
from .run import TrainingRun, calibration_extras, check_data, load_run
from .runtimes import missing_runtimes
from .samples import calibration_images
from .sidecar import build_sidecar

Say = Callable[[str], None]


def convert(folder: Path, out: Path, load: Callable[[], DigitData], say: Say) -> Figures:
    """Convert a training run and write the bundle, unless a check fails.

    Args:
        folder: Of the run.
        out: Where the bundle goes, with or without ``.tflite`` or ``.json``.
        load: Loads the digits; asked once the run is known to be whole.
        say: Is told of the progress.

    Returns:
        What was measured.

    Raises:
        RefusedError: Checks failed, nothing was written; it tells them all.
        ConvertError: The run, the data or the libraries are not as needed.
        OSError: The bundle cannot be written.

    """
    run = load_run(folder)
    _require_runtimes("nothing converted")
    data = load()
    check_data(run, data)
    stem = bundle_stem(out)
    stem.parent.mkdir(parents=True, exist_ok=True)
    model, figures, sidecar = _make(run, data, stem, say)
    card = build_card(stem.name, sidecar)
    _require_loadable(model, sidecar)
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
    _require_runtimes("nothing checked")
    recorded = bundle.sidecar.get("figures")
    if not isinstance(recorded, dict) or not _is_part(recorded.get("mnist_test_accuracy_float")):
        raise RefusedError(
            "1 check failed, the others need it",
            [f"{path}: expected figures with mnist_test_accuracy_float, found {recorded!r:.60}"],
        )
    data = load()
    say("checking the graph and both runtimes")
    verdict = verify(bundle, recorded["mnist_test_accuracy_float"], data)
    failures = [
        *_other_data(bundle.sidecar, data),
        *verdict.failures,
        *golden_failures(bundle),
        *_other_figures(recorded, verdict.figures),
    ]
    if failures:
        raise RefusedError(f"{_count(failures)} failed", failures)
    return verdict.figures


def _make(
    run: TrainingRun, data: DigitData, stem: Path, say: Say
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
    verdict = verify(bundle, accuracy_float, data)
    if verdict.failures:
        raise RefusedError(f"nothing written, {_count(verdict.failures)} failed", verdict.failures)
    golden = golden_of(runtimes.logits(bundle, "tflite-runtime", golden_images()))
    sidecar = build_sidecar(run, quantized, verdict.figures, golden, len(calibration), len(extras))
    return quantized.model, verdict.figures, sidecar


def _unwritten(run: TrainingRun, model: bytes, stem: Path) -> Bundle:
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


def _require_runtimes(consequence: str) -> None:
    missing = missing_runtimes()
    if missing:
        raise RefusedError(f"{consequence}, the checks need both runtimes", missing)


def _require_loadable(model: bytes, sidecar: Mapping[str, Any]) -> None:
    """Have the device's own loader read the bundle before it gets its name."""
    with tempfile.TemporaryDirectory() as folder:
        rehearsal = Path(folder) / "bundle"
        write_bundle(rehearsal, model, sidecar, "")
        try:
            load_bundle(rehearsal)
        except ModelError as error:
            reason = str(error).replace(f"{folder}/", "")
            raise RefusedError("nothing written, 1 check failed", [reason]) from error


def _other_data(sidecar: Mapping[str, Any], data: DigitData) -> list[str]:
    training = sidecar.get("training")
    recorded = training.get("data") if isinstance(training, dict) else None
    digest = data.digests()["x_test"]
    if isinstance(recorded, dict) and recorded.get("x_test") == digest:
        return []
    return [
        "data: expected the test digits that the sidecar's figures are about "
        f"(training, data, x_test), found others ({digest:.12}…); give the same with --data"
    ]


def _other_figures(recorded: Mapping[str, Any], measured: Figures) -> list[str]:
    """Compare what the sidecar says with what was measured; another processor may differ a bit."""
    failures = []
    if recorded.get("bytes") != measured.bytes:
        failures.append(
            f"figures: bytes must be {measured.bytes}, the sidecar says {recorded.get('bytes')!r}"
        )
    said, found = recorded.get("mnist_test_accuracy_int8"), measured.accuracy_int8
    if found is not None and not (
        _is_part(said) and abs(said - found) * 100 <= MAX_GAP_POINTS + 1e-9
    ):
        failures.append(
            f"figures: mnist_test_accuracy_int8 must be {found} within {MAX_GAP_POINTS} points, "
            f"the sidecar says {said!r}"
        )
    return failures


def _is_part(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _count(failures: Sequence[str]) -> str:
    number = len(failures)
    return f"{number} check{'s' if number > 1 else ''}"
