"""What is written and printed: numbers, units, words and labels."""

from __future__ import annotations

import numpy as np

UNITS = ("kg", "g", "cm", "m", "mm", "km", "l", "ml", "h", "min", "s", "%", "$", "EUR", "x", "pcs",
         "C", "V", "W", "A")  # fmt: skip
LABELS = ("Name", "Date", "Total", "No.", "Amount", "Phone", "Class", "Score", "Room", "Price",
          "Qty", "Sum", "Code", "ID", "Weight", "Age", "Zip", "Tel", "Ref.", "Year", "Nr.", "Datum",
          "Betrag", "Nom", "Fecha", "Page", "Item", "Temp.", "Time", "Remarks")  # fmt: skip
_ONSETS = ("b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "st",
           "tr", "ch", "sh", "br", "pl", "")  # fmt: skip
_NUCLEI = ("a", "e", "i", "o", "u", "ea", "ou", "ai", "ee")
_CODAS = ("", "", "n", "r", "s", "l", "m", "nd", "ng", "rt")


def random_number(rng: np.random.Generator, longest: int = 10) -> str:
    """Draw one to `longest` digits; most numbers are short, and some repeat a digit."""
    weights = 1 / np.arange(1.5, longest + 1.5) ** 0.7
    count = int(rng.choice(longest, p=weights / weights.sum())) + 1
    digits = rng.integers(0, 10, count)
    if rng.random() < 0.1:
        digits[:] = rng.choice(digits[:2], count)
    return "".join(map(str, digits.tolist()))


def random_value(rng: np.random.Generator) -> str:
    """Draw a number as it is found on forms and notes: a price, date, time, share, phone number."""
    a, b, c = rng.integers(0, 60, 3).tolist()
    match int(rng.integers(8)):
        case 0:
            return f"{random_number(rng, 5)}.{a:02d}"
        case 1:
            return f"{random_number(rng, 4)},{a % 10}"
        case 2:
            return f"{b % 28 + 1}{rng.choice(list('./-'))}{c % 12 + 1}{rng.choice(list('./-'))}" + (
                str(1950 + a + b // 2) if rng.random() < 0.5 else f"{a:02d}"
            )
        case 3:
            return f"{a % 24}:{b:02d}"
        case 4:
            return f"{a + b}%"
        case 5:
            return f"0{random_number(rng, 4)} {random_number(rng, 7)}"
        case 6:
            return f"{rng.choice(list('$-+#'))}{random_number(rng, 5)}"
        case _:
            return random_number(rng)


def random_sum(rng: np.random.Generator) -> str:
    """Draw a sum in a line, such as ``12+7=19``."""
    a, b = (int(random_number(rng, 3)) for _ in range(2))
    sign = str(rng.choice(list("+-+-+x=")))
    result = {"+": a + b, "-": a - b, "x": a * b, "=": b}[sign]
    return f"{a}{sign}{b}" if sign == "=" else f"{a}{sign}{b}={result}"


def random_word(rng: np.random.Generator, syllables: int | None = None) -> str:
    """Draw a word that could be one in some language."""
    count = syllables or int(rng.choice([1, 2, 3, 4], p=[0.35, 0.4, 0.2, 0.05]))
    word = "".join(
        _ONSETS[rng.integers(len(_ONSETS))]
        + _NUCLEI[rng.integers(len(_NUCLEI))]
        + _CODAS[rng.integers(len(_CODAS))]
        for _ in range(count)
    )
    return word.capitalize() if rng.random() < 0.25 else word


def random_label(rng: np.random.Generator) -> str:
    """Draw a form's label."""
    label = LABELS[int(rng.integers(len(LABELS)))]
    return label + ":" * int(rng.random() < 0.5)


def random_line(rng: np.random.Generator, count: int, digits: float = 0.1) -> str:
    """Draw a printed line of so many words; a share of them are numbers."""
    words = [
        random_number(rng, 6) if rng.random() < digits else random_word(rng) for _ in range(count)
    ]
    return " ".join(words)
