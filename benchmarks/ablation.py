"""What each part of the reader brings: the held-back photographs read without it.

    python benchmarks/ablation.py --data FOLDER

The network stays the same; what it was trained with is not taken apart here.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray
from readers import Digitcam

from digitcam.edge import (
    EdgeError,
    lattice,
    looks,
    mark_reader,
    parting,
    recognize,
    segment,
    strings,
)
from digitcam.edge.bundle import DEFAULT_BUNDLE
from digitcam.edge.segment import Marks
from digitcam.edge.settings import RUNTIMES, PreprocessSettings, Settings
from digitcam.train.held_back import Score, Set, load_sets


@dataclass(frozen=True)
class Part:
    """A part of the reader, and how to do without it."""

    name: str
    replaced: dict[tuple[object, str], object] = field(default_factory=dict)
    """Values of attributes, by owner and name."""
    settings: Settings = Settings()


def _no_context(
    reader: object, candidates: list[object], probabilities: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    return probabilities, np.zeros(len(candidates), bool)


def _no_bits(find_marks: Callable[..., Marks]) -> Callable[..., Marks]:
    return lambda *arguments: replace(find_marks(*arguments), bits=[])


PARTED = Settings(strings="")
PARTS = (
    Part("nothing"),
    Part(
        "the contrast floor of the neighbourhood",
        settings=Settings(preprocess=PreprocessSettings(min_relative_contrast=0)),
    ),
    Part("removal of rulings", {(segment, "suspects"): lambda *_: []}),
    Part("removal of bars along the side", {(segment, "EDGE"): 9.0}),
    Part("the second reading of words in doubt", {(strings, "CERTAIN"): 0.0}),
    Part("the reader of strings: digits parted", settings=PARTED),
    Part("that, and cuts at necks", {(parting, "MAX_NECK"): -1.0}, settings=PARTED),
    Part("that, and pieces two digits share", {(lattice, "SHARED"): -1e9}, settings=PARTED),
    Part("any reading of touching digits", {(mark_reader, "MIN_SEVERAL"): 2.0,
                                            (mark_reader, "ALWAYS_WIDE"): 1e9}),
    Part("joining of broken strokes", {(mark_reader, "CERTAIN"): -1.0,
                                       (recognize, "find_marks"): _no_bits(segment.find_marks)}),
    Part("the context of a word", {(mark_reader.MarkReader, "_in_context"): _no_context}),
    Part("the doubt about a letter's strokes", {(mark_reader, "AMONG_STROKES"): 1.0}),
    Part("the further looks at marks in doubt", {(looks, "DOUBTFUL"): (1.0, 1.0)}),
    Part("the second opinion on marks in doubt", {(mark_reader, "DOUBTFUL"): (1.0, 1.0)}),
    Part("the look at faint ink", {(recognize, "FAINTER"): 1.0}),
    Part("any second look", {(recognize.Recognizer, "_other_looks"): lambda *_: ()}),
    Part("the ground of lone bars", {(recognize, "MAX_GROUND_STEP"): 1e9}),
    Part("the doubt about faint bars in a crowd", {(recognize, "CROWD"): 1e9}),
    Part("turning of tilted pages", {(recognize, "MAX_LEVEL_DEG"): 360.0}),
)  # fmt: skip
COLUMNS: tuple[tuple[str, str, Callable[[Score], float]], ...] = (
    ("notes", "false digits", lambda s: s.counts["false_digits"]),
    ("notes: turned", "turned notes", lambda s: s.share("exact", "numbers")),
    ("amounts", "amounts exact", lambda s: s.share("exact", "numbers")),
    ("characters: digits", "characters right", lambda s: s.share("right", "pictures")),
    ("characters: letters", "letters rejected", lambda s: s.share("rejected", "pictures")),
    ("cells: handwritten", "cells right", lambda s: s.share("right", "pictures")),
    ("cells: empty", "empty read", lambda s: 1 - s.share("rejected", "pictures")),
    ("forms", "forms right", lambda s: s.share("right", "handwritten")),
)


def main() -> int:
    """Print a row a part; 1 if there is nothing to read."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("DIGITCAM_DATA"))
    parser.add_argument("--model", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    try:
        sets = {each.name: each for each in load_sets(Path(options.data or "."))}
        print(f"{'without':42}" + "".join(f"{title:>18}" for _, title, _ in COLUMNS))
        for part in PARTS:
            row = _figures(part, sets, options.model, options.runtime)
            print(f"{part.name:42}" + "".join(f"{value:>18}" for value in row), flush=True)
    except (OSError, ValueError, LookupError, EdgeError) as error:
        print(f"ablation: {error}", file=sys.stderr)
        return 1
    return 0


def _figures(part: Part, sets: dict[str, Set], model: Path, runtime: str) -> list[str]:
    patches = [patch.object(owner, name, value) for (owner, name), value in part.replaced.items()]
    for each in patches:
        each.start()
    try:
        settings = replace(part.settings, runtime=runtime)  # type: ignore[arg-type]
        reader = Digitcam(model, settings)
        return [
            _told(value(_score(reader, sets[name]))) if name in sets else "-"
            for name, _, value in COLUMNS
        ]
    finally:
        for each in patches:
            each.stop()


def _told(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.1%}"


def _score(reader: Digitcam, each: Set) -> Score:
    score = Score()
    for case in each.cases:
        each.score(case, reader.read(case.load()), score)
    return score


if __name__ == "__main__":
    sys.exit(main())
