"""Luma to ink: median blur, then an adaptive threshold against the local paper.

The paper's brightness at a pixel is the grey closing of the luma around it, which removes whatever
dark is narrower than the block and keeps edges where they are. The ink's contrast is the difference
(the black top-hat, Serra 1982, "Image Analysis and Mathematical Morphology"), and ink is where it
passes a floor. Unlike a local mean, the closing does not answer to the border of the paper, to the
edge of a shadow, or to how much ink stands nearby.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .frame import Frame, GrayImage
from .settings import PreprocessSettings

MIN_SIDE_PX = 96
"""Smaller images are enlarged to this long side, so that a digit alone in its crop is read too."""


MIN_POLARITY_EVIDENCE = 0.002
"""Part of the pixels that must be ink of either polarity before it is decided on."""
COARSE_SIDE_PX = 160
"""Polarity is decided in quarter resolution where half the short side is at least this."""

MAX_LANES = 32
"""Bytes in the widest vector that OpenCV's median filter is compiled for (AVX2; NEON has 16)."""


@dataclass(frozen=True)
class Ink:
    """Where ink is, and how strongly it stands out."""

    contrast: GrayImage
    """(H, W) uint8: grey levels between the paper and the pixel, 0 paper."""
    mask: GrayImage
    """(H, W) uint8: 255 where the contrast passes the floor, else 0."""
    light_on_dark: bool
    """Whether the ink is lighter than the ground."""


def fit_frame(luma: GrayImage, width: int, height: int, settings: PreprocessSettings) -> Frame:
    """Bring an image to the working resolution.

    Args:
        luma: (H, W) uint8, 0 black; may be smaller than the image as given.
        width: Width of the image as given, px.
        height: Height of the image as given, px.
        settings: ``work_size_px`` bounds the long side.
    """
    long_side = max(luma.shape)
    target = min(max(long_side, MIN_SIDE_PX), settings.work_size_px)
    if target != long_side:
        scale = target / long_side
        size = (max(round(luma.shape[1] * scale), 1), max(round(luma.shape[0] * scale), 1))
        luma = _gray(cv2.resize(luma, size, interpolation=_interpolation(scale)))
    return Frame(luma, width, height)


def _interpolation(scale: float) -> int:
    """Below half the size only the area mean misses no line; above, linear takes a tenth of it."""
    if scale > 1:
        return cv2.INTER_CUBIC
    return cv2.INTER_LINEAR if scale > 0.5 else cv2.INTER_AREA


def find_ink(luma: GrayImage, settings: PreprocessSettings) -> Ink:
    """Separate ink from paper.

    Args:
        luma: (H, W) uint8, 0 black.
        settings: Block size, contrast floor, polarity.
    """
    if min(luma.shape) < 2:  # too thin for a digit, and to be halved
        return Ink(np.zeros_like(luma), np.zeros_like(luma), light_on_dark=False)
    smooth = luma
    if settings.median_blur_px > 1:
        smooth = _median_blur(luma, settings.median_blur_px)
    height, width = luma.shape
    if height % 2 or width % 2:
        replicate = cv2.BORDER_REPLICATE
        smooth = _gray(cv2.copyMakeBorder(smooth, 0, height % 2, 0, width % 2, replicate))
    half = _gray(cv2.resize(smooth, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    light_on_dark = settings.polarity == "light-on-dark" or (
        settings.polarity == "auto" and _is_light_on_dark(half, settings)
    )
    paper = _paper(half, light_on_dark, settings)
    contrast = _contrast(smooth, paper, light_on_dark)[:height, :width]
    mask = _gray(cv2.threshold(contrast, settings.min_contrast - 1, 255, cv2.THRESH_BINARY)[1])
    return Ink(contrast, mask, light_on_dark)


def _contrast(smooth: GrayImage, paper: GrayImage, light_on_dark: bool) -> GrayImage:
    """Return how far each pixel stands out of the paper of its 2 x 2 block.

    Doubled by interleaving it with itself, and taken from every second row, the paper comes to full
    resolution in a fifth of the time of ``cv2.resize``.
    """
    height, width = paper.shape
    wide = _gray(cv2.merge([paper, paper])).reshape(height, 2 * width)
    contrast = np.empty((height, 2, 2 * width), np.uint8)
    for row in (0, 1):
        above, below = (smooth[row::2], wide) if light_on_dark else (wide, smooth[row::2])
        cv2.subtract(above, below, dst=contrast[:, row])
    return contrast.reshape(2 * height, 2 * width)


def _median_blur(luma: GrayImage, side: int) -> GrayImage:
    """Blur as ``cv2.medianBlur`` does, in rows that its vector loop finishes.

    What remains of a row OpenCV 4.11 does pixel by pixel, for most of its time at 640 px.
    """
    width = luma.shape[1]
    spare = (side - 1 - width) % MAX_LANES
    padded = cv2.copyMakeBorder(luma, 0, 0, 0, spare, cv2.BORDER_REPLICATE)
    return _gray(cv2.medianBlur(padded, side)[:, :width])


def block_size(half: GrayImage, settings: PreprocessSettings) -> int:
    """Return the side of the threshold's block, odd, px: wider than any stroke in the frame."""
    return max(round(min(half.shape) * settings.block_fraction), settings.min_block_px // 2) | 1


def _paper(half: GrayImage, light_on_dark: bool, settings: PreprocessSettings) -> GrayImage:
    """Return the ground's brightness in half resolution, where a large block costs a quarter."""
    side = block_size(half, settings)
    operation = cv2.MORPH_OPEN if light_on_dark else cv2.MORPH_CLOSE
    paper = _gray(cv2.morphologyEx(half, operation, np.ones((side, side), np.uint8)))
    return _without_stairs(paper, light_on_dark, settings.min_contrast)


def _without_stairs(paper: GrayImage, light_on_dark: bool, floor: int) -> GrayImage:
    """Bring the paper to the ground beside it along steep edges, such as those of the sheet.

    A square block reaches only the corners of a slanted edge's stairs; what is left between them
    is as slim as a 1. Paper that is nowhere as steep as the floor, which is most, stays as it is.
    """
    kernel = np.ones((3, 3), np.uint8)
    steep = cv2.morphologyEx(paper, cv2.MORPH_GRADIENT, kernel)
    if cv2.norm(steep, cv2.NORM_INF) < floor:
        return paper
    edge = cv2.threshold(steep, floor - 1, 255, cv2.THRESH_BINARY)[1]
    ground = (cv2.dilate if light_on_dark else cv2.erode)(paper, kernel)
    return _gray(cv2.copyTo(ground, edge, paper))


def _is_light_on_dark(half: GrayImage, settings: PreprocessSettings) -> bool:
    """Say whether narrow light marks clearly outnumber narrow dark ones; coarsely, in large frames.

    Holes and gaps between strokes answer to the wrong hat, the more the wider the block: a narrow
    block decides, and the full one only where strokes are too wide for it.
    """
    small, block = half, block_size(half, settings)
    if min(half.shape) >= COARSE_SIDE_PX:
        small = _gray(cv2.resize(half, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        block = block // 2 | 1
    for side in (max(block // 4, 2) | 1, block):
        kernel = np.ones((side, side), np.uint8)
        dark, light = (
            cv2.countNonZero(cv2.threshold(hat, settings.min_contrast, 255, cv2.THRESH_BINARY)[1])
            for hat in (
                cv2.morphologyEx(small, cv2.MORPH_BLACKHAT, kernel),
                cv2.morphologyEx(small, cv2.MORPH_TOPHAT, kernel),
            )
        )
        if dark + light > MIN_POLARITY_EVIDENCE * small.size:
            return light > 2 * dark
    return False


def _gray(image: object) -> GrayImage:
    """Tell the type checker what OpenCV returned."""
    return image  # type: ignore[return-value]
