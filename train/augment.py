"""Marks as other hands, pens and cameras would have made them.

A glyph or a mark becomes the ink contrast of a mark, as the device measures it on paper; it then
goes through the device's own view. Elastic distortion: Simard, Steinkraus and Platt 2003, "Best
Practices for Convolutional Neural Networks Applied to Visual Document Analysis".
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import GrayImage
from digitcam.edge.reading.view import IMAGE_SHAPE, model_image

CANVAS_PX = 52
SIDE_PX = 34
"""Longer side of a mark where it is distorted: a canvas that leaves it room to turn."""
FLOOR = 0.2
"""Part of the peak from which a glyph is ink where nothing else is known."""
LEAST_FLOOR = 0.1
"""Part of the peak from which a camera's ink is ink, at least."""
SHRINK = 1.3
"""What is larger by more than this is reduced first, so that no stroke is passed over."""


@dataclass(frozen=True)
class AugmentSettings:
    """How far digits are distorted; each bound is drawn from uniformly."""

    rotation_deg: float = 12.0
    """Largest turn either way."""
    shear: float = 0.25
    """Largest slant, px sideways a px up."""
    stretch: float = 0.12
    """Largest change of width against height, as a part."""
    elastic_px: float = 1.3
    """Standard deviation of the elastic displacement on the 52 px canvas."""
    elastic_grid: int = 4
    """Control points a side of the displacement field."""
    widen_probability: float = 0.35
    """Share of digits drawn with a thicker pen; as many get a thinner one."""
    blur_px: float = 1.3
    """Largest Gaussian blur on the canvas, standard deviation."""
    motion_probability: float = 0.15
    """Share of digits whose camera was moved."""
    motion_px: float = 9.0
    """Longest way on the canvas that it was moved."""
    light: float = 0.35
    """Largest fall of contrast from one side to the other, as a part."""
    noise: float = 0.08
    """Largest standard deviation of grain, as a part of the peak contrast."""
    floor: float = 0.5
    """Largest part of the peak below which ink is lost to the threshold."""
    camera: float = 0.5
    """Share of marks that a camera takes, with blur, light and grain; others are bent alone."""
    plain: float = 0.1
    """Share of digits that stay as they are."""


def augment(
    ink: GrayImage,
    rng: np.random.Generator,
    settings: AugmentSettings,
    floor: float | None = None,
) -> GrayImage:
    """Distort one mark and bring it to the model image.

    Args:
        ink: (h, w) uint8, white ink on black, of any size.
        rng: Source of every draw.
        settings: Bounds of the distortions.
        floor: Level from which a pixel is ink; by default a part of the peak.

    Returns:
        (28, 28) uint8 model image.

    """
    peak = max(cv2.norm(ink, cv2.NORM_INF), 1.0)
    part = FLOOR if floor is None else floor / peak
    if rng.random() < settings.plain:
        return model_image(ink, part * peak)
    fitted, scale = _fitted(ink, part * peak)
    bent = cv2.remap(
        fitted,
        _displacement(rng, settings, fitted.shape, scale),
        _NO_MAP,
        interpolation=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
    )
    drawn = _pen(bent, rng, settings)
    if rng.random() < settings.camera:
        return model_image(*_photograph(drawn, rng, settings))
    return model_image(drawn, part * cv2.norm(drawn, cv2.NORM_INF))


def plain_images(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring undistorted digits to model images: (N, 28, 28) -> (N, 28, 28) uint8."""
    plain = np.zeros((len(images), *IMAGE_SHAPE), np.uint8)
    for image, out in zip(images, plain, strict=True):
        model_image(image, FLOOR * cv2.norm(image, cv2.NORM_INF), out)
    return plain


def _fitted(ink: GrayImage, floor: float) -> tuple[GrayImage, float]:
    """Cut to the ink, with a border, reduced if it is large.

    Returns:
        The ink, its middle that of the array, and how many of its px are one of the canvas.
    """
    x, y, width, height = cv2.boundingRect(cv2.threshold(ink, floor / 2, 255, cv2.THRESH_BINARY)[1])
    if not width:
        return ink, 1.0
    cut = ink[y : y + height, x : x + width]
    scale = max(width, height) / SIDE_PX
    if scale > SHRINK:
        size = max(round(width / scale), 1), max(round(height / scale), 1)
        cut = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        scale = 1.0
    return cv2.copyMakeBorder(cut, 1, 1, 1, 1, cv2.BORDER_CONSTANT), scale  # type: ignore[return-value]


def _displacement(
    rng: np.random.Generator, settings: AugmentSettings, shape: tuple[int, ...], scale: float
) -> NDArray[np.float32]:
    """Return the (52, 52, 2) map from the canvas to an image: affine plus elastic.

    Args:
        rng: Source of every draw.
        settings: Bounds of the distortions.
        shape: Height and width of the image.
        scale: Px of the image that are one of the canvas.
    """
    angle = np.deg2rad(rng.uniform(-settings.rotation_deg, settings.rotation_deg))
    shear = rng.uniform(-settings.shear, settings.shear)
    stretch = np.exp(rng.uniform(-settings.stretch, settings.stretch))
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    matrix = turn @ np.array([[1, shear], [0, 1]]) @ np.diag([stretch, 1 / stretch])
    grid = settings.elastic_grid
    bend = rng.standard_normal((grid, grid, 2), np.float32) * np.float32(settings.elastic_px)
    field = _CANVAS + cv2.resize(bend, (CANVAS_PX, CANVAS_PX), interpolation=cv2.INTER_CUBIC)
    middle = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    return cv2.transform(field, np.column_stack([matrix * scale, middle]))  # type: ignore[return-value]


def _pen(ink: cv2.typing.MatLike, rng: np.random.Generator, settings: AugmentSettings) -> GrayImage:
    """Draw with a thicker or thinner pen, now and then."""
    draw = rng.uniform()
    side = 2 + int(rng.integers(2))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    if draw < settings.widen_probability:
        return cv2.dilate(ink, kernel)  # type: ignore[return-value]
    if draw > 1 - settings.widen_probability:
        thin = cv2.erode(ink, kernel[:2, :2])
        # A pen that is thin already would vanish.
        return thin if thin.max() > 160 else ink  # type: ignore[return-value]
    return ink  # type: ignore[return-value]


def _photograph(
    ink: GrayImage, rng: np.random.Generator, settings: AugmentSettings
) -> tuple[GrayImage, float]:
    """Return the contrast that a camera sees, and from which one it is ink.

    It is blurred, unevenly lit, and grained; what lies further than a pixel from ink is cut off.
    """
    sigma = rng.uniform(0, settings.blur_px)
    if sigma > 0.3:
        ink = cv2.GaussianBlur(ink, (0, 0), sigma)  # type: ignore[assignment]
    if rng.random() < settings.motion_probability:
        ink = _moved(ink, rng.uniform(2, settings.motion_px), rng)  # type: ignore[assignment]
    seen = cv2.multiply(ink, _light(rng, settings), dtype=cv2.CV_32F)
    floor = rng.uniform(LEAST_FLOOR, settings.floor) * cv2.minMaxLoc(seen)[1]
    mask = cv2.threshold(seen, floor, 1, cv2.THRESH_BINARY)[1]
    seen = cv2.multiply(seen, cv2.dilate(mask, np.ones((3, 3), np.uint8)))
    grain = rng.standard_normal((CANVAS_PX, CANVAS_PX), np.float32)
    weight = settings.noise * rng.uniform()
    noisy = cv2.multiply(seen, cv2.addWeighted(grain, weight, grain, 0, 1))
    return cv2.convertScaleAbs(noisy), floor  # type: ignore[return-value]


def _moved(ink: GrayImage, way_px: float, rng: np.random.Generator) -> cv2.typing.MatLike:
    """Smear the ink along a straight way in any direction."""
    angle = rng.uniform(0, np.pi)
    half = way_px / 2 * np.array([np.cos(angle), np.sin(angle)])
    side = 2 * int(way_px / 2 + 1) + 1
    middle = side // 2
    begin, end = (np.rint(16 * (middle + way)).astype(int).tolist() for way in (-half, half))
    kernel = np.zeros((side, side), np.uint8)
    cv2.line(kernel, begin, end, (255,), 1, cv2.LINE_AA, 4)
    return cv2.filter2D(ink, cv2.CV_8U, kernel / kernel.sum())


def _light(rng: np.random.Generator, settings: AugmentSettings) -> NDArray[np.float32]:
    """Return (52, 52) float32: the contrast falling off from one side to the other, at most 1."""
    slope = (rng.uniform(-1, 1, 2) * settings.light / CANVAS_PX).astype(np.float32)
    x, y = _AXIS * slope[0], _AXIS * slope[1]
    return (1 - np.float32(settings.light / 2)) + x[None, :] + y[:, None]  # type: ignore[no-any-return]


_NO_MAP = np.empty(0, np.float32)
_AXIS = np.arange(CANVAS_PX, dtype=np.float32) - (CANVAS_PX - 1) / 2
_CANVAS = np.stack(np.meshgrid(_AXIS, _AXIS), axis=2)
"""(52, 52, 2) coordinates (x, y) about the canvas' centre."""
