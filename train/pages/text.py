"""What is printed beside numbers, and written in place of them: words and labels."""

from __future__ import annotations

import numpy as np

from ..pens.texts import random_number

LABELS = ("Name", "Date", "Total", "No.", "Amount", "Phone", "Class", "Score", "Room", "Price",
          "Qty", "Sum", "Code", "ID", "Weight", "Age", "Zip", "Tel", "Ref.", "Year", "Nr.", "Datum",
          "Betrag", "Nom", "Fecha", "Page", "Item", "Temp.", "Time", "Remarks")  # fmt: skip
_ONSETS = ("b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "st",
           "tr", "ch", "sh", "br", "pl", "")  # fmt: skip
_NUCLEI = ("a", "e", "i", "o", "u", "ea", "ou", "ai", "ee")
_CODAS = ("", "", "n", "r", "s", "l", "m", "nd", "ng", "rt")


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
        random_number(rng, longest=6) if rng.random() < digits else random_word(rng)
        for _ in range(count)
    ]
    return " ".join(words)
