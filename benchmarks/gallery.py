"""Every picture with what was read in it, wrong ones first, in one HTML file."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path

import cv2
import numpy as np

from digitcam.train.held_back import Answer, Image, Mark, Verdict

GREEN, RED, BLUE = (40, 140, 0), (30, 30, 220), (220, 120, 0)
"""BGR of right, wrong and unjudged marks."""
SIDES_PX = (160, 700)
"""Smaller pictures are enlarged to the first long side, larger ones reduced to the second."""
PAGE = """<!doctype html><meta charset="utf-8"><title>digitcam on paper</title>
<style>
body {{ font: 14px sans-serif; margin: 1em }}
figure {{ display: inline-block; margin: 4px; vertical-align: top; border-top: 4px solid #080 }}
figure.wrong {{ border-color: #c00 }}
figcaption {{ max-width: 20em; overflow-wrap: anywhere }}
body.wrong-only figure:not(.wrong) {{ display: none }}
</style>
<h1>digitcam on paper</h1>
<p>Green marks are right, red ones wrong, blue ones have no truth.
<label><input type="checkbox" onchange="document.body.classList.toggle('wrong-only')">
wrong ones only</label></p>
{body}
"""


@dataclass(frozen=True)
class Exhibit:
    """A picture and what was made of it."""

    name: str
    image: Image
    answer: Answer
    verdict: Verdict


def write_gallery(path: Path, rooms: Iterable[tuple[str, list[Exhibit]]]) -> None:
    """Write the gallery: a heading a set, its pictures, wrong ones first."""
    parts = []
    for title, exhibits in rooms:
        wrong = sum(not exhibit.verdict.right for exhibit in exhibits)
        parts.append(f"<h2>{escape(title)}: {wrong} of {len(exhibits)} wrong</h2>")
        parts += map(_figure, sorted(exhibits, key=lambda e: e.verdict.right))
    path.write_text(PAGE.format(body="\n".join(parts)), encoding="utf-8")


def _figure(exhibit: Exhibit) -> str:
    read = " / ".join(exhibit.answer.lines) or "nothing"
    state = "" if exhibit.verdict.right else ' class="wrong"'
    jpeg = cv2.imencode(".jpg", _drawn(exhibit), [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    source = base64.b64encode(jpeg.tobytes()).decode()
    return (
        f'<figure{state}><img src="data:image/jpeg;base64,{source}"><figcaption>'
        f"{escape(exhibit.name)}<br>{escape(exhibit.verdict.truth)} &rarr; {escape(read)}"
        "</figcaption></figure>"
    )


def _drawn(exhibit: Exhibit) -> Image:
    height, width = exhibit.image.shape[:2]
    longer = max(height, width)
    scale = min(max(longer, SIDES_PX[0]), SIDES_PX[1]) / longer
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    picture = np.asarray(cv2.resize(exhibit.image, size, interpolation=cv2.INTER_AREA), np.uint8)
    for mark in exhibit.answer.marks:
        x, y, w, h = (round(value * scale) for value in mark.box)
        colour = _colour(mark, exhibit.verdict)
        cv2.rectangle(picture, (x, y), (x + w, y + h), colour)
        cv2.putText(picture, mark.digit, (x, max(y - 2, 9)), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour)
    return picture


def _colour(mark: Mark, verdict: Verdict) -> tuple[int, int, int]:
    if mark in verdict.right_marks:
        return GREEN
    return RED if mark in verdict.wrong_marks else BLUE
