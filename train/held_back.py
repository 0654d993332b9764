"""The photographs that are read, what is written on them, and how a reading is scored.

Everything is measured on the fixed fifth that is never trained on, ``part_of(name)``; the notes,
which are not trained on at all, whole.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge import Recognizer
from digitcam.edge.frame import UNTOLD

from .evaluation import confidence_gap
from .paper import LOOK_ALIKE, part_of

TURNS_DEG = (-40, -20, 20, 40)
"""By how much notes are turned."""
TABLE_BGR = (40, 45, 50)
"""What turned notes lie on."""


Image = NDArray[np.uint8]
"""(H, W, 3) uint8 BGR."""


@dataclass(frozen=True)
class Mark:
    """A digit that was read."""

    digit: str
    confidence: float
    box: tuple[float, float, float, float]
    """Left, top, width, height, px."""

    @property
    def centre(self) -> tuple[float, float]:
        """Column and row of the box's middle."""
        return self.box[0] + self.box[2] / 2, self.box[1] + self.box[3] / 2


@dataclass(frozen=True)
class Answer:
    """What a reader makes of a picture."""

    lines: tuple[str, ...]
    """Digits, line by line, ``?`` where one cannot be told."""
    marks: tuple[Mark, ...]
    """The told digits with their places, where the reader tells them."""
    seconds: float

    @property
    def text(self) -> str:
        """All digits in reading order."""
        return "".join(self.lines)


@dataclass(frozen=True)
class Case:
    """One picture."""

    name: str
    load: Callable[[], Image]
    truth: object


@dataclass
class Score:
    """What came of a set."""

    counts: Counter[str] = field(default_factory=Counter)
    """Sums that the figures are made of."""
    confidences: list[tuple[float, bool]] = field(default_factory=list)
    """Confidence of each answer that can be judged, and whether it was right."""
    seconds: list[float] = field(default_factory=list)

    def share(self, part: str, whole: str) -> float:
        """Return one count over another; 0 of nothing is 0."""
        return self.counts[part] / max(self.counts[whole], 1)


@dataclass(frozen=True)
class Verdict:
    """Whether a picture was read right, and the marks that are right and wrong where known."""

    right: bool
    truth: str
    right_marks: tuple[Mark, ...] = ()
    wrong_marks: tuple[Mark, ...] = ()


Scorer = Callable[[Case, Answer, Score], Verdict]


@dataclass(frozen=True)
class Set:
    """Pictures that are scored alike."""

    name: str
    cases: tuple[Case, ...]
    score: Scorer


def load_sets(folder: Path, *, everything: bool = False) -> Iterator[Set]:
    """Yield the sets that are there.

    Args:
        folder: Holds ``notes/``, ``amounts/``, ``characters/``, ``cells.npz``, ``forms/``.
        everything: Take all of each set instead of the part that is never trained on.
    """

    def chosen(name: str) -> bool:
        return everything or part_of(name) == "held-back"

    makers = (
        ("notes", "notes/truth.json", _notes),
        ("notes: turned", "notes/truth.json", _notes_turned),
        ("amounts", "amounts/truth.json", _amounts),
        ("characters: digits", "characters", _character_digits),
        ("characters: letters", "characters", _character_letters),
        ("cells: handwritten", "cells.npz", _cells_handwritten),
        ("cells: empty", "cells.npz", _cells_empty),
        ("forms", "forms/truth.json", _forms),
    )
    for name, needed, make in makers:
        if (folder / needed).exists():
            cases, scorer = make(folder, chosen)
            yield Set(name, tuple(cases), scorer)


def read(recognizer: Recognizer, image: Image | bytes) -> Answer:
    """Read a picture, or a file's bytes, and take the time.

    What cannot be told is ``?`` in a line and no mark.
    """
    start = perf_counter()
    reading = recognizer.read(image)
    seconds = perf_counter() - start
    marks = tuple(
        Mark(d.text, d.confidence, (d.box.x, d.box.y, d.box.width, d.box.height))
        for line in reading.lines
        for d in line.told
    )
    return Answer(tuple(line.text for line in reading.lines), marks, seconds)


def edit_distance(read: str, truth: str) -> int:
    """Return the fewest digits to insert, delete or replace (Levenshtein 1966)."""
    row = list(range(len(truth) + 1))
    for i, sign in enumerate(read, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(truth, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (sign != other))
    return row[-1]


def calibration_error(confidences: Sequence[tuple[float, bool]]) -> float:
    """Return the expected calibration error over 15 equal bins, 0 to 1."""
    values, right = np.array(confidences, float).reshape(-1, 2).T
    return confidence_gap(values, right == 1)


def _picture(path: Path) -> Callable[[], Image]:
    def load() -> Image:
        image = cv2.imread(str(path))
        if image is None:
            raise OSError(f"{path}: expected a picture, cannot decode it")
        return image  # type: ignore[return-value]

    return load


Made = tuple[Iterable[Case], Scorer]


def _notes(folder: Path, chosen: Callable[[str], bool]) -> Made:
    truth: dict[str, list[str]] = json.loads((folder / "notes/truth.json").read_text())
    cases = [
        Case(f"notes/{name}", _picture(folder / "notes" / name), numbers)
        for name, numbers in truth.items()
    ]
    return cases, _score_note


def _notes_turned(folder: Path, chosen: Callable[[str], bool]) -> Made:
    """The notes with numbers, turned and laid on a dark table."""
    straight, score = _notes(folder, chosen)
    cases = [
        Case(f"{case.name} turned {degrees}", _turned(case.load, degrees), case.truth)
        for case in straight
        if case.truth
        for degrees in TURNS_DEG
    ]
    return cases, score


def _turned(load: Callable[[], Image], degrees: float) -> Callable[[], Image]:
    def lay() -> Image:
        image = load()
        height, width = image.shape[:2]
        side = int(np.ceil(np.hypot(height, width)))
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
        shift = [[0, 0, (side - width) / 2], [0, 0, (side - height) / 2]]
        matrix = np.asarray(turn) + np.array(shift)
        turned = cv2.warpAffine(image, matrix, (side, side), borderValue=TABLE_BGR)
        return np.asarray(turned, np.uint8)

    return lay


def _score_note(case: Case, answer: Answer, score: Score) -> Verdict:
    numbers: list[str] = case.truth  # type: ignore[assignment]
    if not numbers:
        score.counts.update(blank_pages=1, false_digits=len(answer.text))
        return Verdict(not answer.text, "no number", (), answer.marks)
    exact = sum(number in answer.lines for number in numbers)
    score.counts.update(numbers=len(numbers), exact=exact)
    return Verdict(exact == len(numbers), " ".join(numbers))


def _amounts(folder: Path, chosen: Callable[[str], bool]) -> Made:
    return _listed(folder, "amounts", chosen), _score_amount


def _listed(folder: Path, kind: str, chosen: Callable[[str], bool]) -> list[Case]:
    truth = json.loads((folder / kind / "truth.json").read_text())
    return [
        Case(f"{kind}/{name}", _picture(folder / kind / name), entry)
        for name, entry in sorted(truth.items())
        if chosen(f"{kind}/{name}")
    ]


def _score_amount(case: Case, answer: Answer, score: Score) -> Verdict:
    """Judge digits by the number alone, as it is aligned with it: boxes were drawn by hand."""
    entry: dict[str, object] = case.truth  # type: ignore[assignment]
    number = "".join(sign for sign in str(entry["text"]) if sign.isdigit())
    aligned = matching(answer.text.replace(UNTOLD, ""), number)
    judged = list(zip(answer.marks, aligned, strict=False))  # not every reader tells marks
    right = tuple(mark for mark, own in judged if own)
    wrong = tuple(mark for mark, own in judged if not own)
    score.confidences += [(mark.confidence, own) for mark, own in judged]
    score.counts.update(
        numbers=1,
        exact=answer.text == number,
        digits=len(number),
        found=sum(aligned),
        edits=edit_distance(answer.text, number),
    )
    return Verdict(answer.text == number, number, right, wrong)


def matching(read: str, truth: str) -> list[bool]:
    """Return of each digit that was read whether it is one of the number's, in their order."""
    found = [False] * len(read)
    for block in SequenceMatcher(None, read, truth, autojunk=False).get_matching_blocks():
        found[block.a : block.a + block.size] = [True] * block.size
    return found


def _characters(folder: Path, chosen: Callable[[str], bool]) -> Iterator[tuple[str, Case]]:
    for path in sorted((folder / "characters").glob("*/*.*")):
        kind = path.parent.name
        sign = kind[-1].upper() if kind.startswith("upper") else kind[-1]
        if chosen(f"characters/{kind}/{path.name}"):
            yield sign, Case(f"characters/{kind}/{path.name}", _picture(path), sign)


def _character_digits(folder: Path, chosen: Callable[[str], bool]) -> Made:
    cases = [case for sign, case in _characters(folder, chosen) if sign.isdigit()]
    return cases, _score_single


def _character_letters(folder: Path, chosen: Callable[[str], bool]) -> Made:
    found = _characters(folder, chosen)
    cases = [case for sign, case in found if not sign.isdigit() and sign not in LOOK_ALIKE]
    return cases, _score_nothing


def _cells_handwritten(folder: Path, chosen: Callable[[str], bool]) -> Made:
    with np.load(folder / "cells.npz") as archive:
        images, labels = archive["x_handwritten"], archive["y_handwritten"]
    cases = [
        Case(f"cells/handwritten/{i}", lambda image=image: image, str(label))  # type: ignore[misc]
        for i, (image, label) in enumerate(zip(images, labels, strict=True))
        if chosen(f"cells/handwritten/{i}")
    ]
    return cases, _score_single


def _cells_empty(folder: Path, chosen: Callable[[str], bool]) -> Made:
    with np.load(folder / "cells.npz") as archive:
        images = archive["x_empty"]
    cases = [
        Case(f"cells/empty/{i}", lambda image=image: image, "")  # type: ignore[misc]
        for i, image in enumerate(images)
        if chosen(f"cells/empty/{i}")
    ]
    return cases, _score_nothing


def _score_single(case: Case, answer: Answer, score: Score) -> Verdict:
    right = answer.text == case.truth
    score.counts.update(
        pictures=1,
        right=right,
        rejected=not answer.text,
        answered=bool(answer.text),
        digits=1,
        edits=edit_distance(answer.text, str(case.truth)),
    )
    score.confidences += [(m.confidence, m.digit == case.truth) for m in answer.marks]
    marks = answer.marks
    good = tuple(m for m in marks if m.digit == case.truth)
    return Verdict(right, str(case.truth), good, tuple(m for m in marks if m not in good))


def _score_nothing(case: Case, answer: Answer, score: Score) -> Verdict:
    score.counts.update(pictures=1, rejected=not answer.text, false_digits=len(answer.text))
    score.confidences += [(m.confidence, False) for m in answer.marks]
    return Verdict(not answer.text, f"no digit ({case.truth})", (), answer.marks)


def _forms(folder: Path, chosen: Callable[[str], bool]) -> Made:
    return _listed(folder, "forms", chosen), _score_form


def _score_form(case: Case, answer: Answer, score: Score) -> Verdict:
    """Judge what is written in the grid; what stands beside it, print among it, has no truth."""
    entry: dict[str, list[list[int]]] = case.truth  # type: ignore[assignment]
    corners = np.float32(entry["corners_tl_bl_br_tr"])  # type: ignore[arg-type]
    unit = np.array([[0, 0], [0, 9], [9, 9], [9, 0]], np.float32)
    to_grid = cv2.getPerspectiveTransform(corners, unit)  # type: ignore[call-overload]
    read: dict[tuple[int, int], list[Mark]] = {}
    for mark in answer.marks:
        place = np.array([[mark.centre]], np.float32)
        column, row = np.floor(cv2.perspectiveTransform(place, to_grid)[0, 0]).astype(int).tolist()
        if 0 <= row < 9 and 0 <= column < 9:
            read.setdefault((row, column), []).append(mark)
        else:
            score.counts.update(beside=1)
    right: list[Mark] = []
    wrong: list[Mark] = []
    score.counts.update(pages=1)
    for row in range(9):
        for column in range(9):
            kind, digit = entry["kind"][row][column], str(entry["grid"][row][column])
            marks = read.get((row, column), [])
            good = [mark for mark in marks if mark.digit == digit]
            if str(kind) == "H":
                right_alone = len(marks) == 1 == len(good)
                score.counts.update(handwritten=1, right=right_alone, unread=not marks)
            if str(kind) in ("H", "P"):
                score.confidences += [(m.confidence, m.digit == digit) for m in marks]
                right += good
                wrong += [mark for mark in marks if mark not in good]
            elif str(kind) == "C":
                score.counts.update(candidates=len(marks))
            else:
                score.confidences += [(m.confidence, False) for m in marks]
                score.counts.update(false_digits=len(marks))
                wrong += marks
    return Verdict(not wrong, "see the grid", tuple(right), tuple(wrong))
