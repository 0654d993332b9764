"""Pages without a digit, of textures, typefaces and letters that training does not use."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ..held_back import Case, Image, Set
from ..pages.plan import Addition, PagePlan, random_plan
from ..pages.render import render_page
from ..pages.seen import SEEN_FACES, SEEN_TEXTURES
from ..paper import part_of
from ..pens.hand import Hand
from ..pens.hands import load_hands
from .photo import seeded
from .scoring import score_nothing


def pages(folder: Path, count: int, seed: int) -> Set:
    """Render pages that nobody wrote a digit on: words, print, drawings, textures, bare paper.

    Print holds numbers here and there. They are not written by hand, and not to be read.
    """
    hands = [
        hand
        for hand in load_hands(folder, without=("mnist",))
        if part_of(f"hands/{hand.name}") == "held-back"
    ]
    plans = [plan_without_digits(np.random.default_rng((seed, k))) for k in range(count)]
    cases = [
        Case(
            f"silence/{k}/content={plan.content.value}",
            seeded(partial(_page, hands, plan), seed, k, 1),
            "",
        )
        for k, plan in enumerate(plans)
    ]
    return Set("silence", tuple(cases), score_nothing)


def plan_without_digits(rng: np.random.Generator) -> PagePlan:
    """Draw a page that holds no digit by hand, struck out or not."""
    while True:
        plan = random_plan(rng)
        if not plan.content.has_digits:
            return replace(plan, additions=plan.additions - {Addition.STRUCK})


def _page(hands: list[Hand], plan: PagePlan, rng: np.random.Generator) -> Image:
    return render_page(
        rng, hands, plan, without_textures=SEEN_TEXTURES, without_faces=SEEN_FACES
    ).image
