"""The data looked at: a folder with a page, its pictures and its numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from digitcam.edge.files import write_whole

from ..data import DigitData
from ..paper import PaperData
from .chapters import chapters
from .facts import as_json, find_facts
from .page import Section, failures_told, write_page
from .pictures import Drawing

PAGE, NUMBERS = "index.html", "statistics.json"
SUMMARY = (
    "What a training learns from: {training:,} digits to train on and {test:,} to be measured on, "
    "and what the network is shown of them. White is ink, 255; black is paper, 0."
)


def write_exploration(
    folder: Path, data: DigitData, paper: PaperData | None, *, seed: int, samples: int
) -> Path:
    """Write pictures, numbers and the page that holds all of it, and return the page's path.

    Args:
        folder: Where to; it is there.
        data: Training and test digits.
        paper: Marks of photographs, if there are any.
        seed: Source of every draw.
        samples: Images shown of each class.

    Raises:
        RunError: A file cannot be written; what stood under its name is as it was.
    """
    facts = find_facts(data, paper, samples)
    sections = chapters(facts, paper, seed, samples)
    summary = SUMMARY.format(training=len(data.x_train), test=len(data.x_test))
    with failures_told(folder):
        return _write(folder, {"seed": seed, **as_json(facts)}, summary, sections)


def _write(
    folder: Path, numbers: Mapping[str, Any], summary: str, sections: Sequence[Section]
) -> Path:
    for section in sections:
        for picture in section.pictures:
            if isinstance(picture, Drawing):
                write_whole(folder / f"{picture.name}.png", picture.png)
    write_whole(folder / NUMBERS, (json.dumps(numbers, indent=1) + "\n").encode())
    page = folder / PAGE
    write_page(page, "digitcam: the data", summary, sections)
    return page
