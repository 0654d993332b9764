"""Digits as other hands, pens and cameras would have made them.

One MNIST image becomes the ink contrast of a mark, as the device measures it on paper; it then
goes through the device's own crop. Elastic distortion: Simard, Steinkraus and Platt 2003, "Best
Practices for Convolutional Neural Networks Applied to Visual Document Analysis".
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.crop import model_image, model_images
from digitcam.edge.frame import GrayImage

CANVAS_PX = 52
ENLARGE = 1.7
"""A 28 px digit is distorted enlarged on a canvas that leaves it room to turn."""


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
    floor: float = 0.35
    """Largest part of the peak below which ink is lost to the threshold."""
    camera: float = 0.5
    """Share of digits that a camera takes, with blur, light and grain; others are bent alone."""
    plain: float = 0.1
    """Share of digits that stay as they are."""


def augment(image: GrayImage, rng: np.random.Generator, settings: AugmentSettings) -> GrayImage:
    """Distort one digit and bring it to the model image.

    Args:
        image: (28, 28) uint8, white ink on black.
        rng: Source of every draw.
        settings: Bounds of the distortions.

    Returns:
        (28, 28) uint8 model image.

    """
    if rng.random() < settings.plain:
        return model_image(image)
    ink = cv2.remap(
        image,
        _displacement(rng, settings),
        _NO_MAP,
        interpolation=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
    )
    drawn = _pen(ink, rng, settings)
    seen = _photograph(drawn, rng, settings) if rng.random() < settings.camera else drawn
    return model_image(seen)  # type: ignore[arg-type]


def plain_images(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring undistorted digits to model images: (N, 28, 28) -> (N, 28, 28) uint8."""
    return model_images(list(images))


def _displacement(rng: np.random.Generator, settings: AugmentSettings) -> NDArray[np.float32]:
    """Return the (52, 52, 2) map from the canvas to the (28, 28) image: affine plus elastic."""
    angle = np.deg2rad(rng.uniform(-settings.rotation_deg, settings.rotation_deg))
    shear = rng.uniform(-settings.shear, settings.shear)
    stretch = np.exp(rng.uniform(-settings.stretch, settings.stretch))
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    matrix = turn @ np.array([[1, shear], [0, 1]]) @ np.diag([stretch, 1 / stretch])
    grid = settings.elastic_grid
    bend = rng.standard_normal((grid, grid, 2), np.float32) * np.float32(settings.elastic_px)
    field = _CANVAS + cv2.resize(bend, (CANVAS_PX, CANVAS_PX), interpolation=cv2.INTER_CUBIC)
    to_image = np.column_stack([matrix / ENLARGE, [13.5, 13.5]])
    return cv2.transform(field, to_image)  # type: ignore[return-value]


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
) -> cv2.typing.MatLike:
    """Return the contrast that a camera sees: blurred, unevenly lit, grained, cut at a floor."""
    sigma = rng.uniform(0, settings.blur_px)
    if sigma > 0.3:
        ink = cv2.GaussianBlur(ink, (0, 0), sigma)  # type: ignore[assignment]
    if rng.random() < settings.motion_probability:
        ink = _moved(ink, rng.uniform(2, settings.motion_px), rng)  # type: ignore[assignment]
    seen = cv2.multiply(ink, _light(rng, settings), dtype=cv2.CV_32F)
    peak = cv2.minMaxLoc(seen)[1]
    _, seen = cv2.threshold(seen, rng.uniform(0.08, settings.floor) * peak, 0, cv2.THRESH_TOZERO)
    grain = rng.standard_normal((CANVAS_PX, CANVAS_PX), np.float32)
    weight = settings.noise * rng.uniform()
    return cv2.convertScaleAbs(cv2.multiply(seen, cv2.addWeighted(grain, weight, grain, 0, 1)))


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
