"""What a number must be like, and that no history locks a right one out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitcam.edge.plausible import Memory, broken_rule, too_far
from digitcam.edge.settings import PlausibilitySettings

NUMBERS = st.integers(0, 10**6)


def remembered(history: list[int], rules: PlausibilitySettings) -> Memory:
    """Return what is remembered after these numbers, each judged as it came."""
    memory = Memory()
    for number in history:
        text = str(number)
        memory = memory.after(text, broken_rule(text, rules) or too_far(text, memory, rules))
    return memory


@pytest.mark.parametrize(
    ("rules", "text", "why"),
    [
        (PlausibilitySettings(min_digits=3), "12", "expected 3 to 100 digits, found 2"),
        (PlausibilitySettings(max_digits=1), "12", "expected 1 to 1 digits, found 2"),
        (PlausibilitySettings(pattern="1.*"), "21", "expected digits like 1.*, found 21"),
        (PlausibilitySettings(pattern="1"), "12", "expected digits like 1, found 12"),
        (PlausibilitySettings(minimum=13), "0012", "expected at least 13, found 0012"),
        (PlausibilitySettings(maximum=11.5), "12", "expected at most 11.5, found 12"),
        (PlausibilitySettings(), "13?45", "1 of 5 digits cannot be told: 13?45"),
        (PlausibilitySettings(), "?3?45", "2 of 5 digits cannot be told: ?3?45"),
        (PlausibilitySettings("2.*", 9, 9, 7, 8), "1?", "1 of 2 digits cannot be told: 1?"),
    ],
)
def test_each_rule_says_what_it_expects(rules: PlausibilitySettings, text: str, why: str) -> None:
    """The reason says what was expected and found."""
    assert broken_rule(text, rules) == why


def test_without_rules_everything_is_plausible() -> None:
    """The defaults doubt nothing."""
    rules = PlausibilitySettings()
    assert broken_rule("007", rules) is None
    assert too_far("999999", Memory("1", "1"), rules) is None


def test_a_step_too_far_is_told() -> None:
    """The number that it is too far from is named."""
    rules = PlausibilitySettings(max_step=5)
    assert too_far("106", Memory("100", "100"), rules) == "expected at most 5 from 100, found 106"
    assert too_far("105", Memory("100", "100"), rules) is None


@given(st.lists(NUMBERS, max_size=20), NUMBERS, st.integers(0, 1000), st.data())
def test_two_right_readings_end_every_error(
    history: list[int], first: int, step: int, data: st.DataObject
) -> None:
    """Whatever was read before, the second of two numbers within the step is accepted."""
    rules = PlausibilitySettings(max_step=step)
    memory = remembered([*history, first], rules)
    second = data.draw(st.integers(max(first - step, 0), first + step))
    assert too_far(str(second), memory, rules) is None


@given(st.lists(NUMBERS, min_size=1, max_size=20), st.integers(0, 1000), st.data())
def test_one_wrong_reading_costs_no_right_one(
    history: list[int], step: int, data: st.DataObject
) -> None:
    """After one wrong number the next right one, near the last accepted, is accepted."""
    rules = PlausibilitySettings(max_step=step)
    before = remembered(history, rules)
    assert before.accepted is not None
    wrong = str(data.draw(NUMBERS))
    memory = before.after(wrong, too_far(wrong, before, rules))
    if memory.accepted == before.accepted:
        near = int(before.accepted)
        right = data.draw(st.integers(max(near - step, 0), near + step))
        assert too_far(str(right), memory, rules) is None


@given(
    st.lists(NUMBERS, max_size=20),
    st.integers(0, 1000),
    st.from_regex(r"[0-9]{0,12}\?[0-9]{0,12}", fullmatch=True),
)
def test_what_cannot_be_told_is_suspect_and_forgotten(
    history: list[int], step: int, text: str
) -> None:
    """A number with `?` is never accepted, and the next one is judged as if it had not been."""
    rules = PlausibilitySettings(max_step=step)
    memory = remembered(history, rules)
    assert broken_rule(text, rules) is not None
    assert memory.after(text, broken_rule(text, rules)) == memory
