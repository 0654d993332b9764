"""Renders photographs of pages."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import Box
from digitcam.edge.memory import keep_freed_memory
from digitcam.train.pens.hand import Hand

from . import prose
from .camera import expose, project, random_view
from .fingers import hold
from .layout import lay_out
from .light import edge_shadow, lit
from .page import Gray, Kind, Page
from .palette import random_palette
from .paper import FLAT, bare_sheet, damage
from .plan import Addition, Camera, Content, Medium, PagePlan, Paper, random_plan, random_size
from .rulings import rule
from .scribe import Scribe
from .sheet import FIRST_KIND, Sheet
from .texture import random_texture
from .truth import tell

SMALLEST_PX = 10.0
"""Height of the smallest digits, px."""

LEAST_LIGHT = 12.0
"""Grey levels that the light leaves between the palest ink and its ground."""

FINGERS = 0.12
"""Share of the hard photographs whose page is held."""

PLAIN_STROKE_PX = 3.0
"""Blur is drawn as for strokes of this width, px, where nothing is written."""


def render_page(
    rng: np.random.Generator,
    hands: Sequence[Hand],
    plan: PagePlan | None = None,
    size: tuple[int, int] | None = None,
    *,
    without_textures: Collection[str] = (),
    without_faces: Collection[str] = (),
) -> Page:
    """Write a page and photograph it.

    Args:
        rng: Source of every draw; equal states render equal pages.
        hands: Who may write: one that has all ten digits at least.
        plan: What the page shall be; by default drawn.
        size: Height and width of the photograph, px; by default drawn, and for Content.CUT cut to
            the ink.
        without_textures: Names in TEXTURES that are not used.
        without_faces: Names in FACES that are not used.

    Raises:
        ValueError: no hand writes all ten digits, or no texture or typeface is left.

    """
    keep_freed_memory()
    plan = plan or random_plan(rng)
    frame = size or random_size(rng, plan)
    if plan.content is Content.TEXTURE:
        return _bare_ground(rng, plan, frame, without_textures)
    view = random_view(rng, plan, frame)
    palette = random_palette(rng, plan.medium, plan.strong_ruling)
    sheet = Sheet(bare_sheet(view.sheet, palette, plan.medium, rng), view.shows)
    area = view.area()
    height = _digit_height(rng, plan, area)
    scribe = Scribe(sheet, area, hands, palette, plan, height, rng, without_faces)
    _fill(scribe)
    ground, textures = None, set()
    if not view.full:
        name, ground = random_texture(frame, rng, without_textures)
        ground, textures = edge_shadow(ground, view.corners, rng), {name}
    image, label = project(sheet.image, sheet.label, view, ground, FIRST_KIND + Kind.TEXTURE)
    if plan.camera is Camera.HARD and plan.content is not Content.CUT and rng.random() < FINGERS:
        image, label = hold(image, label, rng)
    image = _photographed(image, scribe)
    if plan.content is Content.CUT and size is None and plan.medium is not Medium.NEGATIVE:
        image, label = _cut(image, label, rng)
    kind, owner, characters, numbers = tell(label, sheet)
    return Page(
        image, kind, owner, characters, numbers, palette.light_on_dark, plan,
        frozenset(textures), frozenset(scribe.faces),
    )  # fmt: skip


def _fill(scribe: Scribe) -> None:
    """Rule the sheet, write, draw and print on it."""
    rng, plan, sheet = scribe.rng, scribe.plan, scribe.sheet
    if Addition.DAMAGE in plan.additions and plan.medium not in FLAT:
        damage(scribe)
    pitch = scribe.height_px * (
        rng.uniform(0.35, 1.3) if plan.paper is Paper.SQUARED else rng.uniform(0.7, 2.2)
    )
    pitch = float(np.clip(pitch, 7, 120))
    thin = pitch * rng.uniform(0.015, 0.06)
    patterned = plan.paper is Paper.PATTERNED
    colour = scribe.palette.fine_print if patterned else scribe.palette.ruling
    first = rule(sheet, plan.paper, colour, pitch, float(np.clip(thin, 0.6, 4)), rng)
    if first is not None:
        scribe.baselines = first, pitch
    above = Addition.PRINT in plan.additions and rng.random() < 0.5
    if above:
        prose.paragraph(scribe, lines=1)
    lay_out(scribe)
    prose.add(scribe)


def _digit_height(rng: np.random.Generator, plan: PagePlan, area: Box) -> float:
    """Draw the height of a digit, px."""
    side = min(area.width, area.height)
    if plan.content is Content.CUT:
        share = 0.72 if area.height <= 30 else rng.uniform(0.6, 0.96)
        return max(share * min(area.height, 1.1 * area.width), SMALLEST_PX)
    low, high = SMALLEST_PX, float(np.clip(0.35 * side, 14, 150))
    if plan.content is Content.DIGIT:
        low, high = 12.0, max(0.9 * side, 13)
    elif rng.random() < 0.08:
        high = max(0.6 * side, 14)
    elif plan.content in (Content.CELLS, Content.TABLE, Content.BOXES, Content.FORM):
        high = max(0.2 * side, 14)
    # Most photographs are taken to show what is written.
    return float(low * (high / low) ** rng.random() ** 0.65)


def _photographed(image: Gray, scribe: Scribe) -> Gray:
    """Take the picture of what the camera sees under full light."""
    plan, rng, contrast = scribe.plan, scribe.rng, scribe.contrast
    if plan.medium in FLAT:
        return image
    floor = min(LEAST_LIGHT / max(contrast, 1), 0.9)
    image = lit(image, plan.camera, floor, rng, glossy=plan.medium is Medium.WHITEBOARD)
    stroke = min(scribe.thinnest_px, scribe.smallest_px / 4)
    if not scribe.written:
        stroke = PLAIN_STROKE_PX
    return expose(image, plan.camera, stroke, contrast * max(floor, 0.6), rng)


def _bare_ground(
    rng: np.random.Generator,
    plan: PagePlan,
    frame: tuple[int, int],
    without: Collection[str],
) -> Page:
    """Photograph something that is no page: a texture, or two that meet."""
    name, image = random_texture(frame, rng, without)
    names = {name}
    if rng.random() < 0.3:
        name, other = random_texture(frame, rng, without)
        names.add(name)
        middle = rng.uniform(0.2, 0.8, 2) * frame[::-1]
        along = np.array([np.cos(angle := rng.uniform(0, 2 * np.pi)), np.sin(angle)]) * sum(frame)
        across = np.array([-along[1], along[0]])
        quad = np.stack([middle - along, middle + along, middle + along + across,
                         middle - along + across])  # fmt: skip
        mask = np.zeros(frame, np.uint8)
        cv2.fillConvexPoly(mask, quad.astype(np.int32), (255,))
        image = np.asarray(cv2.copyTo(other, mask, image), np.uint8)
    camera = Camera.PHONE if plan.camera is Camera.SCAN else plan.camera
    image = expose(lit(image, camera, 0.05, rng), camera, PLAIN_STROKE_PX, 60, rng)
    kind = np.full(frame, Kind.TEXTURE, np.uint8)
    owner = np.zeros(frame, np.uint16)
    return Page(image, kind, owner, (), (), False, plan, frozenset(names), frozenset())


def _cut(
    image: Gray, label: NDArray[np.uint16], rng: np.random.Generator
) -> tuple[Gray, NDArray[np.uint16]]:
    """Cut the frame to what is written, with a small margin or none."""
    x, y, width, height = cv2.boundingRect(((label > 0) & (label < FIRST_KIND)).view(np.uint8))
    if not width:
        return image, label
    left, top, right, bottom = (
        round(max(rng.uniform(-0.1, 0.35), 0) * height) for _ in range(4)
    )  # fmt: skip
    rows = slice(max(y - top, 0), y + height + bottom)
    columns = slice(max(x - left, 0), x + width + right)
    return np.ascontiguousarray(image[rows, columns]), np.ascontiguousarray(label[rows, columns])
