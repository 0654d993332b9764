"""Texts as people write them: mostly numbers, with the signs and units that stand beside them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

UNITS = (
    "kg", "g", "l", "ml", "cm", "mm", "m", "km", "h", "min", "s", "V", "W", "kWh", "A", "%", "°C",
    "°", "°F", "x", "pcs", "Stk", "ft", "in", "lb", "oz", "EUR", "USD", "€", "$",
)  # fmt: skip
"""Units and what else stands behind a number."""
_LENGTHS = (0.1, 0.17, 0.18, 0.16, 0.12, 0.1, 0.06, 0.05, 0.03, 0.03)
"""How often a number has 1 to 10 digits."""

Draw = Callable[[np.random.Generator], str]


def random_value(rng: np.random.Generator) -> str:
    """Draw what is more than a number: a date, a time, a price, a sum or the like."""
    return _KINDS[int(rng.choice(len(_KINDS), p=_WEIGHTS))](rng)


def random_number(
    rng: np.random.Generator, length: int | None = None, longest: int = len(_LENGTHS)
) -> str:
    """Draw digits, each as likely, with runs of one digit and leading zeros now and then.

    Args:
        rng: Source of every draw.
        length: How many; by default 1 to ``longest``, mostly 2 to 5.
        longest: Most digits, 1 to 10.
    """
    if length is None:
        chances = np.array(_LENGTHS[:longest])
        length = 1 + int(rng.choice(longest, p=chances / chances.sum()))
    digits = rng.integers(0, 10, length).tolist()
    chance = rng.random()
    if chance < 0.12 and length > 1:  # 3377, 5000
        start = int(rng.integers(length - 1))
        end = int(rng.integers(start + 2, length + 1))
        digits[start:end] = [digits[start]] * (end - start)
    elif chance < 0.16:
        digits[0] = 0
    return "".join(map(str, digits))


def _of(rng: np.random.Generator, *ways: str) -> str:
    return ways[int(rng.integers(len(ways)))]


def _between(rng: np.random.Generator, low: int, high: int) -> str:
    """Draw a number, both ends among it, as it is written without leading zeros."""
    return str(int(rng.integers(low, high + 1)))


def _several(rng: np.random.Generator) -> str:
    return " ".join(random_number(rng) for _ in range(int(rng.integers(2, 4))))


def _date(rng: np.random.Generator) -> str:
    day, month = int(rng.integers(1, 32)), int(rng.integers(1, 13))
    year = int(rng.integers(1950, 2035))
    if rng.random() < 0.2:
        return f"{year}-{month:02}-{day:02}"
    sign, short = _of(rng, "/", ".", "-", "."), rng.random() < 0.5
    years = f"{year % 100:02}" if short else str(year)
    if rng.random() < 0.5:
        return f"{day:02}{sign}{month:02}{sign}{years}"
    return f"{day}{sign}{month}{sign}{years}"


def _time(rng: np.random.Generator) -> str:
    hour, minute = int(rng.integers(0, 24)), int(rng.integers(0, 60))
    return f"{hour}{_of(rng, ':', ':', '.')}{minute:02}"


def _phone(rng: np.random.Generator) -> str:
    groups = [random_number(rng, int(rng.integers(2, 5))) for _ in range(int(rng.integers(2, 5)))]
    start = _of(rng, "", "0", "+")
    return start + _of(rng, " ", "-", "/").join(groups)


def _price(rng: np.random.Generator) -> str:
    amount = random_number(rng, int(rng.integers(1, 5))).lstrip("0") or "0"
    if rng.random() < 0.75:
        amount += _of(rng, ".", ",") + random_number(rng, 2)
    return _of(
        rng, amount, f"{amount} €", f"${amount}", f"$ {amount}", f"{amount} $", amount + ",-"
    )


def random_sum(rng: np.random.Generator) -> str:
    """Draw a sum in a line, such as ``12 + 7 = 19``, or without spaces."""
    a, b = (int(rng.integers(1, 10 ** int(rng.integers(1, 4)))) for _ in range(2))
    sign = _of(rng, "+", "-", "x", ":")
    end = {"+": a + b, "-": a - b, "x": a * b, ":": a}[sign]
    if sign == ":":
        a *= b
    text = f"{a} {sign} {b} =" + ("" if rng.random() < 0.25 else f" {end}")
    return text if rng.random() < 0.5 else text.replace(" ", "")


def _fraction(rng: np.random.Generator) -> str:
    return f"{_between(rng, 1, 30)}/{_between(rng, 2, 100)}"


def _decimal(rng: np.random.Generator) -> str:
    sign, point = _of(rng, "", "", "-", "+"), _of(rng, ".", ",")
    return f"{sign}{_between(rng, 0, 999)}{point}{random_number(rng, 1 + int(rng.integers(3)))}"


def _measure(rng: np.random.Generator) -> str:
    number = _decimal(rng).lstrip("+") if rng.random() < 0.3 else _between(rng, 1, 999)
    return number + _of(rng, " ", " ", "") + _of(rng, *UNITS)


def _bracketed(rng: np.random.Generator) -> str:
    return f"({random_number(rng, int(rng.integers(1, 5)))})"


def _marked(rng: np.random.Generator) -> str:
    return random_number(rng) + _of(rng, "!", "?", "%", " %")


def _compared(rng: np.random.Generator) -> str:
    return _of(rng, "<", ">", "< ", "> ") + random_number(rng, int(rng.integers(1, 4)))


def _labelled(rng: np.random.Generator) -> str:
    return _of(rng, "No ", "Nr. ", "No. ", "p. ", "#", "Room ", "Tel ", "Box ") + random_number(rng)


def _listed(rng: np.random.Generator) -> str:
    start = _between(rng, 1, 20) + _of(rng, ".", ")", ":")
    return start if rng.random() < 0.3 else f"{start} {random_number(rng)}"


def _size(rng: np.random.Generator) -> str:
    return f"{_between(rng, 1, 99)}{_of(rng, 'x', ' x ')}{_between(rng, 1, 99)}"


_WEIGHTED: tuple[tuple[Draw, float], ...] = (
    (_several, 0.1), (_date, 0.14), (_time, 0.09), (_phone, 0.07), (_price, 0.13),
    (random_sum, 0.08), (_fraction, 0.05), (_decimal, 0.08), (_measure, 0.08), (_bracketed, 0.04),
    (_labelled, 0.03), (_listed, 0.03), (_size, 0.02), (_marked, 0.04), (_compared, 0.02),
)  # fmt: skip
_KINDS = tuple(draw for draw, _ in _WEIGHTED)
_WEIGHTS = np.array([weight for _, weight in _WEIGHTED])
