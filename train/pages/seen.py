"""Which textures and typefaces training does without, so that there are unseen ones to measure on.

Training hands both to `render_page`; the yardstick's pages without a digit have no others.
"""

from __future__ import annotations

from .print_ink import FACES
from .texture import TEXTURES

UNSEEN_TEXTURES = frozenset(
    {"terrazzo", "marble", "twill", "checks", "carpet", "crackle", "fur", "parquet", "brick",
     "keyboard", "cables"}
)  # fmt: skip
"""A third, of every sort: stone, cloth, what grows, what is built, what lies about."""
UNSEEN_FACES = frozenset(
    {"sans_narrow", "serif_italic", "typewriter", "outlined", "pixels"}
)  # fmt: skip
"""A third of those that are drawn."""
SEEN_TEXTURES = frozenset(TEXTURES) - UNSEEN_TEXTURES
SEEN_FACES = frozenset(FACES) - UNSEEN_FACES
