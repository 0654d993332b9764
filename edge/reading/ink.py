"""Luma to ink: how far every pixel stands out of its ground, at every scale, in either polarity.

The ground's brightness at a pixel is the grey closing of the luma around it (the opening, where
ink is light), which removes whatever is narrower than the block and keeps edges where they are.
Ink's contrast is the difference (the black top-hat, Serra 1982, "Image Analysis and Mathematical
Morphology"). A block of one size suits strokes of one width alone, so the picture is halved again
and again and the same small block is laid over each: scale follows the strokes, not the frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..frame import Frame, GrayImage

MIN_SIDE_PX = 96
"""Smaller images are enlarged to this long side, so that a digit alone in its crop is read too."""
BLOCK = 11
"""Side of the threshold's block, px of half a level's resolution: strokes of up to so many px of a
level stand out whole; wider ones do at the next."""
MIN_LEVEL_PX = 12
"""A level whose short side is smaller holds no digit."""
LINE_PX = 25
"""Straight strokes of this length, px of a level, may be lines; digits are seen at a scale at which
theirs are shorter, too."""
CROSS_PX = 5
"""Lines of less than this thickness, px of a level, are closed over."""
NOISE_FLOOR = 4.0
"""Ink is that far above the grain, in standard deviations of the grain; halving halves it."""
MIN_FLOOR = 6
"""Least contrast of ink, grey levels: what compression leaves on bare paper is lower."""


@dataclass(frozen=True)
class Level:
    """The picture at one scale."""

    contrast: GrayImage
    """(h, w) uint8: grey levels between the ground and the pixel, 0 ground."""
    scale: int
    """Px of the frame to one of the level: 1, 2, 4, ..."""
    floor: int
    """Contrast from which a pixel may be ink."""
    light_on_dark: bool
    """Whether the ink is lighter than its ground."""
    ruled: bool = True
    """Whether lines such as rulings and underlines are in it."""

    def without_lines(self) -> Level:
        """Return the level less what is straight, upright or level and longer than a stroke.

        What goes on beyond a line, such as a stroke that crosses it, is closed over it.
        """
        contrast = self.contrast
        for size, across in (((LINE_PX, 1), (1, CROSS_PX)), ((1, LINE_PX), (CROSS_PX, 1))):
            line = cv2.getStructuringElement(cv2.MORPH_RECT, size)
            left = cv2.morphologyEx(contrast, cv2.MORPH_TOPHAT, line)
            bridge = cv2.getStructuringElement(cv2.MORPH_RECT, across)
            closed = cv2.morphologyEx(left, cv2.MORPH_CLOSE, bridge)
            contrast = _gray(cv2.min(closed, contrast))
        return replace(self, contrast=contrast, ruled=False)


def fit_frame(luma: GrayImage, width: int, height: int, work_size_px: int) -> Frame:
    """Bring an image to the working resolution.

    Args:
        luma: (H, W) uint8, 0 black; may be smaller than the image as given.
        width: Width of the image as given, px.
        height: Height of the image as given, px.
        work_size_px: Largest long side.
    """
    long_side = max(luma.shape)
    target = min(max(long_side, MIN_SIDE_PX), work_size_px)
    if target != long_side:
        scale = target / long_side
        size = (max(round(luma.shape[1] * scale), 1), max(round(luma.shape[0] * scale), 1))
        way = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        luma = _gray(cv2.resize(luma, size, interpolation=way))
    return Frame(luma, width, height)


def find_ink(luma: GrayImage, polarity: str = "auto") -> list[Level]:
    """Separate ink from its ground, at every scale, the finest first.

    Args:
        luma: (H, W) uint8, 0 black.
        polarity: ``dark-on-light``, ``light-on-dark``, or ``auto`` to see which it is; both are
            looked at where neither is clear.
    """
    sides = find_polarities(luma) if polarity == "auto" else (polarity == "light-on-dark",)
    levels: list[Level] = []
    grain = _grain(luma)
    level, scale = _gray(cv2.GaussianBlur(luma, (3, 3), 0)), 1
    while scale == 1 or min(level.shape) >= MIN_LEVEL_PX:
        half = _halved(level)
        smooth = _gray(cv2.medianBlur(half, 3))
        for light in sides:
            floor = max(round(NOISE_FLOOR * grain / scale), MIN_FLOOR)
            levels.append(Level(_contrast(level, smooth, light), scale, floor, light))
        level, scale = half, 2 * scale
    return levels


def _halved(level: GrayImage) -> GrayImage:
    height, width = level.shape
    if height % 2 or width % 2:
        even = cv2.copyMakeBorder(level, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        level = _gray(even)
    size = level.shape[1] // 2, level.shape[0] // 2
    return _gray(cv2.resize(level, size, interpolation=cv2.INTER_AREA))


def _contrast(level: GrayImage, half: GrayImage, light: bool) -> GrayImage:
    """Return how far each pixel stands out of the ground of its 2 x 2 block."""
    operation = cv2.MORPH_OPEN if light else cv2.MORPH_CLOSE
    ground = _gray(cv2.morphologyEx(half, operation, np.ones((BLOCK, BLOCK), np.uint8)))
    height, width = level.shape
    wide = cv2.resize(ground, (2 * ground.shape[1], 2 * ground.shape[0]))[:height, :width]
    return _gray(cv2.subtract(level, wide) if light else cv2.subtract(wide, level))


def _grain(luma: GrayImage) -> float:
    """Return the standard deviation of most of the picture's grain, grey levels.

    The median of absolute differences of neighbours is 0.954 of it (0.6745 times the root of 2).
    """
    if luma.shape[1] < 2:
        return 0.0
    apart = cv2.absdiff(luma[::4, 1:], luma[::4, :-1])
    counts = cv2.calcHist([apart], [0], None, [256], [0, 256]).ravel().astype(np.int64)
    below = np.cumsum(counts)
    median = int(np.searchsorted(below, below[-1] / 2))
    return max(float(median + 0.5 - (below[median] - below[-1] / 2) / counts[median]), 0.0)


COARSE_PX = 120
"""Polarity is seen in a picture reduced to about this short side."""
NARROW, WIDE = 0.2, 0.5
"""Windows of the two votes, as parts of the short side."""
HAT_PX = 15
"""Narrow votes are of what is narrower than this in the reduced picture, not of a sheet's edge."""
DECISIVE = 0.3
"""Part of the evidence by which one polarity outweighs the other where a vote is clear."""


def find_polarities(luma: GrayImage) -> tuple[bool, ...]:
    """Return whether the ink may be lighter than its ground: no, or perhaps.

    Ink is the minority: the median around a stroke is its ground. What is narrow votes, and all
    that stands out; on a sheet that lies on a dark table, or where ink is light, the two do not
    agree that ink is dark, and both polarities are looked at.
    """
    small = _reduced(luma, max(min(luma.shape) // COARSE_PX, 1))
    if _vote(_apart(small, WIDE)) >= -DECISIVE:
        return False, True
    kernel = np.ones((HAT_PX, HAT_PX), np.uint8)
    hats = [
        cv2.morphologyEx(small, kind, kernel) for kind in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT)
    ]
    narrow = [_gray(cv2.min(a, hat)) for a, hat in zip(_apart(small, NARROW), hats, strict=True)]
    return (False, True) if _vote(narrow) >= -DECISIVE else (False,)


def _apart(small: GrayImage, window: float) -> list[GrayImage]:
    """Return how far each pixel is darker, and lighter, than the median around it."""
    side = round(window * min(small.shape))
    tiny = _reduced(small, max(side // 15, 1))
    side = max(round(window * min(tiny.shape)), 3) | 1
    ground = cv2.resize(cv2.medianBlur(tiny, side), (small.shape[1], small.shape[0]))
    return [_gray(cv2.subtract(ground, small)), _gray(cv2.subtract(small, ground))]


def _vote(apart: list[GrayImage]) -> float:
    """Return from -1, all evidence is dark, to 1, all is light; 0 where there is none."""
    dark, light = (
        float(cv2.norm(cv2.threshold(each, MIN_FLOOR, 255, cv2.THRESH_TOZERO)[1]) ** 2)
        for each in apart
    )
    return (light - dark) / max(light + dark, 1.0)


def _reduced(luma: GrayImage, factor: int) -> GrayImage:
    size = max(luma.shape[1] // factor, 1), max(luma.shape[0] // factor, 1)
    return _gray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA))


def _gray(image: object) -> GrayImage:
    """Tell the type checker what OpenCV returned."""
    return image  # type: ignore[return-value]
