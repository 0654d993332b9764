"""The readers that are compared: digitcam, the tutorials' pipeline, and a general OCR engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import baseline
import numpy as np

from digitcam.edge import Recognizer
from digitcam.edge.classify import find_interpreter
from digitcam.edge.settings import Runtime, Settings
from digitcam.train.held_back import Answer, Image, Mark, read

BASELINE_MODEL = Path(__file__).parent / "models" / "mnist-cnn.tflite"
"""The tutorials' network, as train_baseline.py makes it."""


class Reader(Protocol):
    """Something that reads digits."""

    name: str

    def read(self, image: Image) -> Answer:
        """Read a picture."""


class Digitcam:
    """This project's reader."""

    name = "digitcam"

    def __init__(self, model: Path, settings: Settings) -> None:
        self._recognizer = Recognizer(model, settings)

    def read(self, image: Image) -> Answer:
        """Read a picture."""
        return read(self._recognizer, image)


class Tutorial:
    """The tutorials' pipeline with a network of its own; it takes every contour for a digit."""

    name = "baseline"

    def __init__(self, model: Path, runtime: Runtime) -> None:
        self._network = baseline.Network(model.read_bytes(), runtime)

    def read(self, image: Image) -> Answer:
        """Read a picture."""
        start = perf_counter()
        ink = baseline.threshold(baseline.to_gray(baseline.blur(image)))
        places = baseline.find_boxes(ink)
        digits = [str(self._network.digit(baseline.crop(ink, place))) for place in places]
        seconds = perf_counter() - start
        marks = [
            Mark(digit, 1.0, (place[0], place[1], place[2], place[3]))
            for digit, place in zip(digits, places, strict=True)
        ]
        return Answer(_rows(marks), tuple(marks), seconds)


class RapidOcr:
    """PP-OCR through RapidOCR, whose wheel carries its models."""

    name = "rapidocr"

    def __init__(self) -> None:
        from rapidocr import RapidOCR

        self._engine: Any = RapidOCR(
            params={
                "Global.log_level": "error",
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def read(self, image: Image) -> Answer:
        """Read a picture; a text's digits share its confidence and its box in equal parts."""
        start = perf_counter()
        result = self._engine(image)
        seconds = perf_counter() - start
        lines: list[str] = []
        marks: list[Mark] = []
        texts = result.txts or ()
        for text, score, corners in zip(texts, result.scores or (), _boxes(result), strict=True):
            digits = "".join(sign for sign in text if sign in "0123456789")
            x, y, width, height = corners
            step = width / max(len(text), 1)
            marks += [
                Mark(sign, float(score), (x + place * step, y, step, height))
                for place, sign in enumerate(text)
                if sign in "0123456789"
            ]
            if digits:
                lines.append(digits)
        return Answer(tuple(lines), tuple(marks), seconds)


def usable_interpreter(runtime: Runtime) -> str:
    """Return the name of the runtime that ``runtime`` stands for here."""
    return find_interpreter(runtime)[0]


def _boxes(result: Any) -> list[tuple[float, float, float, float]]:
    if result.boxes is None:
        return []
    places = []
    for corners in np.asarray(result.boxes, float):
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        places.append((left, top, right - left, bottom - top))
    return places


def _rows(marks: Sequence[Mark]) -> tuple[str, ...]:
    """Put marks in rows by their centres, rows from top to bottom, marks from left to right."""
    rows: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda m: m.centre[1]):
        if rows and mark.centre[1] - rows[-1][0].centre[1] < rows[-1][0].box[3] / 2:
            rows[-1].append(mark)
        else:
            rows.append([mark])
    return tuple("".join(m.digit for m in sorted(row, key=lambda m: m.box[0])) for row in rows)
