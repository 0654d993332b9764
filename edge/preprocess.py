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
REGION = 0.15
"""Smallest region of another polarity, as a part of the short side; in large frames alone."""
MIN_REGION_DENSITY = 0.04
"""Part of a region's pixels that are evidence of its polarity."""
COARSE_SIDE_PX = 160
"""Polarity is decided in quarter resolution where half the short side is at least this."""

MIN_REACH_PX = 48
"""Half the side of the neighbourhood whose strongest ink counts is at least this."""

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
    """Whether most of the ink is lighter than its ground."""
    settings: PreprocessSettings = PreprocessSettings()
    """What the floor was found with."""

    def without(self, lines: GrayImage) -> Ink:
        """Return what is ink once lines are taken out: beside them fainter ink counts.

        Args:
            lines: (H, W) uint8, 255 where they are.
        """
        around = cv2.dilate(lines, np.ones((5, 5), np.uint8))
        left = cv2.bitwise_or(cv2.bitwise_not(around), cv2.subtract(self.mask, lines))
        contrast = _gray(cv2.bitwise_and(self.contrast, left))
        mask = _gray(cv2.compare(contrast, _floor(contrast, self.settings), cv2.CMP_GE))
        return Ink(contrast, mask, self.light_on_dark, self.settings)


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
    light_on_dark, other = settings.polarity == "light-on-dark", None
    if settings.polarity == "auto":
        light_on_dark, other = _polarity(half, settings)
    contrast = _contrast(smooth, _paper(half, light_on_dark, settings), light_on_dark)
    if other is not None:
        opposite = _contrast(smooth, _paper(half, not light_on_dark, settings), not light_on_dark)
        size = contrast.shape[::-1]
        where = cv2.resize(other, size, interpolation=cv2.INTER_NEAREST)
        cv2.copyTo(opposite, where, contrast)
    contrast = contrast[:height, :width]
    mask = _gray(cv2.compare(contrast, _floor(contrast, settings), cv2.CMP_GE))
    return Ink(contrast, mask, light_on_dark, settings)


def _floor(contrast: GrayImage, settings: PreprocessSettings) -> GrayImage:
    """Return the contrast from which a pixel is ink, given the strongest ink in its neighbourhood.

    So the print under a pen's writing, which is fainter, is left out, and a page that holds
    nothing but pencil is not. In quarter resolution; averaging keeps specks from being strongest.
    """
    height, width = contrast.shape
    size = (max(width // 4, 1), max(height // 4, 1))
    coarse = _gray(cv2.resize(contrast, size, interpolation=cv2.INTER_AREA))
    reach = max(min(height, width) * settings.reach_fraction, MIN_REACH_PX)
    side = int(reach / 2) | 1
    strongest = cv2.dilate(coarse, np.ones((side, side), np.uint8))
    part = cv2.convertScaleAbs(strongest, alpha=settings.min_relative_contrast)
    floor = np.maximum(part, np.uint8(settings.min_contrast))
    return _gray(cv2.resize(floor, (width, height), interpolation=cv2.INTER_NEAREST))


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


def _polarity(half: GrayImage, settings: PreprocessSettings) -> tuple[bool, GrayImage | None]:
    """Say whether the ink is lighter than its ground, and where it is the other way round.

    Narrow light marks have to outnumber narrow dark ones clearly; coarsely, in large frames. Holes
    and gaps between strokes answer to the wrong hat, the more the wider the block: a narrow block
    decides, and the full one only where strokes are too wide for it.

    Returns:
        The polarity of most ink, and None or (h, w) uint8, 255 where the other one holds.
    """
    small, block = half, block_size(half, settings)
    coarse = min(half.shape) >= COARSE_SIDE_PX
    if coarse:
        small = _gray(cv2.resize(half, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        block = block // 2 | 1
    for side in (max(block // 4, 2) | 1, block):
        kernel = np.ones((side, side), np.uint8)
        dark, light = (
            cv2.threshold(hat, settings.min_contrast, 255, cv2.THRESH_BINARY)[1]
            for hat in (
                cv2.morphologyEx(small, cv2.MORPH_BLACKHAT, kernel),
                cv2.morphologyEx(small, cv2.MORPH_TOPHAT, kernel),
            )
        )
        counts = cv2.countNonZero(dark), cv2.countNonZero(light)
        if sum(counts) > MIN_POLARITY_EVIDENCE * small.size:
            mostly_light = counts[1] > 2 * counts[0]
            most, other = (light, dark) if mostly_light else (dark, light)
            return mostly_light, _regions(other, most) if coarse else None
    return False, None


def _regions(other: cv2.typing.MatLike, most: cv2.typing.MatLike) -> GrayImage | None:
    """Return where one kind of evidence clearly outweighs the other kind, which does elsewhere.

    Args:
        other: (h, w) uint8, 255 evidence of the polarity that less ink has.
        most: The same of the polarity that most ink has.
    """
    if cv2.countNonZero(other) < MIN_POLARITY_EVIDENCE * other.size:
        return None
    side = max(int(min(other.shape) * REGION), 3) | 1
    density = [cv2.boxFilter(each, cv2.CV_32F, (side, side)) for each in (other, most)]
    where = (density[0] > 2 * density[1]) & (density[0] > MIN_REGION_DENSITY * 255)
    return where.astype(np.uint8) * np.uint8(255) if where.any() else None


def _gray(image: object) -> GrayImage:
    """Tell the type checker what OpenCV returned."""
    return image  # type: ignore[return-value]
