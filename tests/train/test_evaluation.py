"""What a model is said to be worth is right in cases where the answer is known."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitcam.edge.bundle import DIGIT_CLASSES, REJECT_CLASS
from digitcam.train.evaluation import (
    Logits,
    accuracy,
    calibration_error,
    choose_min_confidence,
    coverage_curve,
    cross_entropy,
    digit_accuracy,
    fit_temperature,
    reliability,
    report,
)
from digitcam.train.plots import save_coverage

Labels = np.ndarray[tuple[int], np.dtype[np.uint8]]


def honest(count: int, classes: int = 10) -> tuple[Logits, Labels]:
    """Logits whose softmax is the very distribution that the labels are drawn from."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (count, classes)).astype(np.float32)
    noise = rng.gumbel(size=logits.shape)  # The Gumbel-max trick draws from the softmax.
    return logits, (logits + noise).argmax(axis=1).astype(np.uint8)


def two_classes(*groups: tuple[float, int, int]) -> tuple[Logits, Labels]:
    """Digits said to be class 0 with a confidence: (confidence, how many, how many are)."""
    logits, labels = [], []
    for confidence, count, right in groups:
        logits += [[np.log(confidence), np.log(1 - confidence)]] * count
        labels += [0] * right + [1] * (count - right)
    return np.array(logits, np.float32), np.array(labels, np.uint8)


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_temperature_is_recovered(factor: float) -> None:
    """Honest logits times a factor need that factor as their temperature, within 5 %."""
    pytest.importorskip("scipy", reason="needs SciPy: pip install 'digitcam[train]'")
    logits, labels = honest(20_000)
    # Twenty thousand draws leave a standard error of about 1 %.
    assert fit_temperature(factor * logits, labels) == pytest.approx(factor, rel=0.05)


def test_temperature_makes_confidence_honest() -> None:
    """Overconfident logits have a large calibration error, and under 0.02 at their temperature."""
    pytest.importorskip("scipy", reason="needs SciPy: pip install 'digitcam[train]'")
    logits, labels = honest(20_000)
    logits *= 3
    assert calibration_error(logits, labels, 1.0) > 0.15
    assert calibration_error(logits, labels, fit_temperature(logits, labels)) < 0.02


def test_honest_confidence_has_no_calibration_error() -> None:
    """Of the digits said with 0.8 four in five are right, with 0.6 three in five: no error."""
    logits, labels = two_classes((0.8, 50, 40), (0.6, 50, 30))
    assert calibration_error(logits, labels, 1.0) == pytest.approx(0, abs=1e-6)


def test_calibration_error_is_the_mean_gap() -> None:
    """30 said with 0.9 are off by 0.3, 10 said with 0.6 by 0.3 the other way, 60 by nothing."""
    logits, labels = two_classes((0.9, 30, 18), (0.6, 10, 9), (0.75, 60, 45))
    assert calibration_error(logits, labels, 1.0) == pytest.approx(0.12, abs=1e-6)


def test_calibration_error_heeds_the_temperature() -> None:
    """0.9 at twice the temperature is 3/4, the root of its odds."""
    logits, labels = two_classes((0.9, 40, 30))
    assert calibration_error(logits, labels, 1.0) == pytest.approx(0.15, abs=1e-6)
    assert calibration_error(logits, labels, 2.0) == pytest.approx(0, abs=1e-6)


def test_certainty_has_its_place_in_the_last_bin() -> None:
    """A confidence of exactly 1 is counted like any other."""
    logits = np.array([[1000, 0], [1000, 0]], np.float32)
    assert calibration_error(logits, np.array([0, 1], np.uint8), 1.0) == pytest.approx(0.5)


def test_reliability_tells_each_bin() -> None:
    """Of five bins the answers said with 0.9 and 0.7 fill two, each with its own accuracy."""
    logits, labels = two_classes((0.9, 30, 18), (0.7, 10, 9))
    low, high = reliability(logits, labels, 1.0, bins=5)
    assert (low["low"], low["high"], low["count"]) == (0.6, 0.8, 10)
    assert (high["low"], high["high"], high["count"]) == (0.8, 1.0, 30)
    assert [row["confidence"] for row in (low, high)] == pytest.approx([0.7, 0.9])
    assert [row["accuracy"] for row in (low, high)] == pytest.approx([0.9, 0.6])
    gap = sum(abs(row["confidence"] - row["accuracy"]) * row["count"] for row in (low, high)) / 40
    assert calibration_error(logits, labels, 1.0, bins=5) == pytest.approx(gap)


def test_reliability_leaves_out_what_is_rejected() -> None:
    """What is read as no digit has no confidence, and nothing but that leaves no bin."""
    rejected = [(REJECT, 0.9, 5)] * 20
    assert reliability(*marks(*rejected), 1.0) == []
    assert reliability(*marks((3, 0.9, 3), *rejected), 1.0)[0]["count"] == 1


def test_cross_entropy_is_that_of_the_softmax() -> None:
    """Even logits cost ln 10; overwhelming ones cost nothing, or their margin where they err."""
    labels = np.array([3, 7], np.uint8)
    even = np.zeros((2, 10), np.float32)
    assert cross_entropy(even, labels) == pytest.approx(np.log(10))
    sure = np.zeros((2, 10), np.float32)
    sure[:, 3] = 1e4
    assert cross_entropy(sure, labels) == pytest.approx((0 + 1e4) / 2)
    assert cross_entropy(sure, labels, temperature=10) == pytest.approx((0 + 1e3) / 2)


def test_report_counts_what_was_read() -> None:
    """Rows of the confusion are the true classes and sum to their counts; the rest follows."""
    pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'digitcam[train]'")
    logits, labels = honest(500)
    labels[labels == 9] = 8  # A class that never occurs divides by nothing.
    found = report(logits, labels, [str(digit) for digit in range(10)])
    confusion = np.array(found["confusion"])
    assert confusion.sum(axis=1).tolist() == np.bincount(labels, minlength=10).tolist()
    assert confusion.sum(axis=0).tolist() == np.bincount(logits.argmax(axis=1)).tolist()
    assert found["accuracy"] == accuracy(logits, labels)
    assert found["accuracy"] == pytest.approx(confusion.trace() / 500)
    counts = [found["classes"][str(digit)]["count"] for digit in range(10)]
    assert counts == confusion.sum(axis=1).tolist()
    three = found["classes"]["3"]
    assert three["recall"] == pytest.approx(confusion[3, 3] / confusion[3].sum())
    assert three["precision"] == pytest.approx(confusion[3, 3] / confusion[:, 3].sum())
    assert found["classes"]["9"]["recall"] == 0


CLASSES = (*DIGIT_CLASSES, REJECT_CLASS)
REJECT = CLASSES.index(REJECT_CLASS)


def marks(*said: tuple[int, float, int]) -> tuple[Logits, Labels]:
    """Marks of eleven classes: (class that is likeliest, its probability, the true class)."""
    logits = np.empty((len(said), len(CLASSES)), np.float32)
    for row, (best, probability, _) in zip(logits, said, strict=True):
        row[:] = np.log((1 - probability) / (len(CLASSES) - 1))
        row[best] = np.log(probability)
    return logits, np.array([true for *_, true in said], np.uint8)


def row_at(curve: list[dict[str, float]], threshold: float) -> dict[str, float]:
    return next(row for row in curve if row["threshold"] == threshold)


def test_rejecting_a_digit_does_not_count_against_its_digit() -> None:
    """Among the ten digits the largest logit counts, however large that for no digit is."""
    logits, labels = marks((3, 0.4, 3), (4, 0.4, 5), (6, 0.4, 6), (7, 0.4, 7))
    logits[:, REJECT] = 50
    assert accuracy(logits, labels) == 0
    assert digit_accuracy(logits, labels) == 0.75
    first = np.roll(logits, 1, axis=1)
    assert digit_accuracy(first, labels, (REJECT_CLASS, *DIGIT_CLASSES)) == 0.75


def test_rejected_marks_are_not_in_the_calibration_error() -> None:
    """0.7 said of ten digits of which seven are right is honest, whatever is rejected."""
    answers = [(3, 0.7, 3)] * 7 + [(3, 0.7, 4)] * 2 + [(3, 0.7, REJECT)]
    rejected = [(REJECT, 0.9, 5)] * 20
    assert calibration_error(*marks(*answers, *rejected), 1.0) == pytest.approx(0, abs=1e-6)
    assert calibration_error(*marks(*rejected), 1.0) == 0


def test_coverage_and_error_are_counted() -> None:
    """Coverage counts digits that are answered, error the wrong digits and answered non-digits."""
    logits, labels = marks(
        (3, 0.95, 3),
        (4, 0.75, 4),
        (5, 0.45, 8),  # a wrong digit
        (7, 0.65, REJECT),  # no digit, answered
        (REJECT, 0.9, 6),  # a digit, rejected
        (REJECT, 0.9, REJECT),
    )
    curve = coverage_curve(logits, labels, 1.0, CLASSES)
    assert len(curve) == 50
    assert [row_at(curve, t)["coverage"] for t in (0.0, 0.5, 0.8, 0.98)] == [0.75, 0.5, 0.25, 0]
    assert [row_at(curve, t)["error"] for t in (0.0, 0.5, 0.7)] == [0.5, pytest.approx(1 / 3), 0]
    assert json.loads(json.dumps(curve)) == curve


def test_thresholds_can_be_chosen() -> None:
    """The curve has a row for each threshold that is asked for."""
    logits, labels = marks((3, 0.75, 3), (4, 0.6, 4))
    curve = coverage_curve(logits, labels, 1.0, CLASSES, thresholds=(0.0, 0.61, 0.8))
    assert [(row["threshold"], row["coverage"]) for row in curve] == [(0, 1), (0.61, 0.5), (0.8, 0)]


def test_coverage_heeds_the_temperature() -> None:
    """A hotter softmax is less certain, and answers less at the same threshold."""
    logits, labels = marks(*[(3, 0.9, 3)] * 5)
    assert row_at(coverage_curve(logits, labels, 1.0, CLASSES), 0.8)["coverage"] == 1
    assert row_at(coverage_curve(logits, labels, 3.0, CLASSES), 0.8)["coverage"] == 0


def curve_of(errors: dict[float, float]) -> list[dict[str, float]]:
    return [{"threshold": t, "coverage": 1 - t, "error": error} for t, error in errors.items()]


@pytest.mark.parametrize(
    ("errors", "chosen"),
    [
        ({0.2: 0.0, 0.3: 0.03, 0.5: 0.02, 0.7: 0.0}, 0.5),
        ({0.2: 0.0, 0.3: 0.001, 0.5: 0.0}, 0.3),
        ({0.3: 0.2, 0.5: 0.05, 0.9: 0.06, 0.96: 0.0}, 0.5),
    ],
    ids=["smallest that errs little", "not below 0.3", "least error up to 0.9"],
)
def test_the_threshold_is_chosen(errors: dict[float, float], chosen: float) -> None:
    """The smallest threshold from 0.3 to 0.9 with at most 2 % wrong, or that of least error."""
    assert choose_min_confidence(curve_of(errors)) == chosen


def test_the_threshold_follows_the_error_allowed() -> None:
    """Who allows more errors gets a smaller threshold."""
    curve = curve_of({0.3: 0.04, 0.5: 0.02, 0.7: 0.0})
    assert choose_min_confidence(curve, max_error=0.05) == 0.3


def test_the_coverage_curve_is_drawn(tmp_path: Path) -> None:
    """The curve becomes a picture that holds more than its background."""
    pytest.importorskip("matplotlib", reason="needs Matplotlib: pip install 'digitcam[train]'")
    curve = coverage_curve(*honest(500, len(CLASSES)), 1.0, CLASSES)
    save_coverage(curve, 0.5, tmp_path / "coverage.png")
    picture = cv2.imread(str(tmp_path / "coverage.png"))
    assert picture is not None
    assert picture.std() > 0
