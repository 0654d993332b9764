"""What a model is said to be worth is right in cases where the answer is known."""

import numpy as np
import pytest

from digitcam.train.evaluation import (
    Logits,
    accuracy,
    calibration_error,
    cross_entropy,
    fit_temperature,
    report,
)

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
