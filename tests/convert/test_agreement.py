"""Two runtimes compared."""

import numpy as np

from digitcam.convert.agreement import compare, step_limit


def test_one_step_agrees() -> None:
    """Logits off by one int8 step agree, and the differing ones are counted."""
    one = np.array([[-128, 40, 127], [5, 60, 7]], np.int8)
    other = np.array([[-128, 41, 126], [5, 60, 7]], np.int8)
    agreement = compare(one, other)
    assert (agreement.max_step, agreement.differing_logits) == (1, 2)
    assert agreement.failures() == []


def test_two_steps_are_refused() -> None:
    """Logits off by two steps are refused, whatever digit they read."""
    failures = compare(np.array([[0, 50]], np.int8), np.array([[2, 50]], np.int8)).failures()
    assert len(failures) == 1
    assert "within 1 step, found 2" in failures[0]


def test_extremes_do_not_wrap() -> None:
    """-128 against 127 is 255 steps apart, not 1."""
    assert compare(np.array([[-128]], np.int8), np.array([[127]], np.int8)).max_step == 255


def test_a_tie_may_fall_either_way() -> None:
    """Where the two top logits are within one step in both runtimes, either digit will do."""
    agreement = compare(np.array([[30, 29]], np.int8), np.array([[29, 30]], np.int8))
    assert (agreement.ties, agreement.disagreements) == (1, 0)
    assert agreement.failures() == []


def test_another_digit_is_refused() -> None:
    """A lead of two steps in one runtime is no tie: another digit in the other is refused."""
    agreement = compare(np.array([[30, 28]], np.int8), np.array([[29, 30]], np.int8))
    assert (agreement.ties, agreement.disagreements) == (0, 1)
    assert any("same digit but for ties" in failure for failure in agreement.failures())


def test_a_wider_limit_is_kept() -> None:
    """With a limit of three steps, three agree and may make a tie, and four are refused."""
    agreement = compare(np.array([[30, 28]], np.int8), np.array([[28, 31]], np.int8), 3)
    assert (agreement.ties, agreement.disagreements) == (1, 0)
    assert agreement.failures() == []
    failures = compare(np.array([[0, 50]], np.int8), np.array([[4, 50]], np.int8), 3).failures()
    assert "within 3 steps, found 4" in failures[0]


def test_the_limit_is_what_quantization_does() -> None:
    """A logit off from float by five steps lets the runtimes differ by ten, five either way."""
    logits = np.array([[10, 20]], np.int8)
    exact = np.array([[(15 - 3) * 0.5, (20 - 3) * 0.5]], np.float32)
    assert step_limit(logits, exact, 0.5, 3) == 10


def test_the_limit_is_never_below_a_step() -> None:
    """Logits equal to float's, also where they exceed int8, allow one step."""
    exact = np.array([[500.0, -4.0]], np.float32)
    assert step_limit(np.array([[127, -4]], np.int8), exact, 1, 0) == 1
