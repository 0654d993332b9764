"""The camera: where the sheet lies before it, and what lens, sensor and file make of the view."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.frame import Box

from .noise import enlarged, grain
from .page import Gray
from .plan import Camera, PagePlan, Placement

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """How a sheet is seen."""

    matrix: Matrix
    """(3, 3): from px of the sheet to px of the frame."""
    sheet: tuple[int, int]
    """Height and width of the sheet, px."""
    frame: tuple[int, int]
    """Height and width of the frame, px."""
    full: bool
    """The sheet fills the frame."""

    @property
    def is_straight(self) -> bool:
        """Whether the frame is the sheet, px by px."""
        return self.sheet == self.frame and np.array_equal(self.matrix, np.eye(3))

    @property
    def corners(self) -> NDArray[np.float32]:
        """(4, 2): the sheet's corners in the frame, px."""
        height, width = self.sheet
        return self.seen(np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32))

    def seen(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return points (n, 2) of the sheet, px, as they are in the frame."""
        moved = np.column_stack([points, np.ones(len(points))]) @ self.matrix.T
        return np.asarray(moved[:, :2] / moved[:, 2:], np.float32)

    def shows(self, box: Box) -> bool:
        """Whether all of a box on the sheet is in the frame."""
        height, width = self.frame
        (a, b, c), (d, e, f), (g, h, i) = self.matrix.tolist()
        for x in (box.x, box.right):
            for y in (box.y, box.bottom):
                far = g * x + h * y + i
                if not 0 <= a * x + b * y + c <= width * far:
                    return False
                if not 0 <= d * x + e * y + f <= height * far:
                    return False
        return True

    def area(self) -> Box:
        """Return the part of the sheet that the frame can show, px of the sheet."""
        height, width = self.frame
        corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], float)
        back = corners @ np.linalg.inv(self.matrix).T
        points = back[:, :2] / back[:, 2:]
        low = np.clip(points.min(axis=0), 0, [self.sheet[1] - 1, self.sheet[0] - 1]).astype(int)
        high = np.clip(points.max(axis=0), low + 1, [self.sheet[1], self.sheet[0]]).astype(int)
        return Box(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))


def random_view(rng: np.random.Generator, plan: PagePlan, frame: tuple[int, int]) -> View:
    """Draw where the sheet lies in a frame of a height and width, px."""
    height, width = frame
    angle, tilt = _turn(rng, plan.camera)
    cos, sin = abs(np.cos(angle)), abs(np.sin(angle))
    middle = np.array([width / 2, height / 2])
    if plan.placement is Placement.FULL:
        grown = 1.0 if angle == 0 and not tilt.any() else 1.04 + 0.8 * float(np.abs(tilt).sum())
        sheet = (
            round(grown * (height * cos + width * sin)),
            round(grown * (width * cos + height * sin)),
        )
    else:
        part, tall = rng.uniform(0.2, 1) ** 0.7, float(np.exp(rng.normal(0, 0.17)))
        bounds = np.array([cos / tall + sin * tall, cos * tall + sin / tall])
        scale = 1.03 * part * float((2 * middle / bounds).min())
        sheet = max(round(scale * tall), 40), max(round(scale / tall), 40)
        middle = middle + rng.uniform(-1, 1, 2) * np.abs(middle - scale * bounds / 2)
    matrix = _placed(sheet, middle, angle, tilt / max(frame))
    return View(matrix, sheet, frame, plan.placement is Placement.FULL)


def _turn(rng: np.random.Generator, camera: Camera) -> tuple[float, NDArray[np.float64]]:
    """Draw the angle, radians, and how much farther the frame's right and lower edge are."""
    match camera:
        case Camera.SCAN:
            return (0.0 if rng.random() < 0.75 else float(rng.normal(0, 0.008))), np.zeros(2)
        case Camera.PHONE:
            return float(np.clip(rng.normal(0, 0.05), -0.14, 0.14)), rng.normal(0, 0.05, 2)
        case Camera.HARD:
            wide = rng.random() < 0.3
            angle = rng.uniform(-np.pi / 4, np.pi / 4) if wide else rng.normal(0, 0.09)
            return float(angle), np.clip(rng.normal(0, 0.13, 2), -0.3, 0.3)


def _placed(
    sheet: tuple[int, int],
    middle: NDArray[np.float64],
    angle: float,
    tilt: NDArray[np.float64],
) -> Matrix:
    if angle == 0 and not tilt.any() and np.allclose(np.array(sheet[::-1]) / 2, middle):
        return np.eye(3)
    height, width = sheet
    to_middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    perspective = np.array([[1, 0, 0], [0, 1, 0], [tilt[0], tilt[1], 1]])
    shift = np.array([[1, 0, middle[0]], [0, 1, middle[1]], [0, 0, 1]])
    return np.asarray(shift @ perspective @ turn @ to_middle)


def project(
    image: Gray, label: NDArray[np.uint16], view: View, ground: Gray | None, around: int
) -> tuple[Gray, NDArray[np.uint16]]:
    """Show a sheet in the frame.

    Args:
        image: (h, w, 3) uint8: the sheet.
        label: (h, w) uint16: whose its pixels are.
        view: Where it lies.
        ground: (H, W, 3) uint8: what lies around it; None where the sheet fills the frame.
        around: Label of the ground.

    Returns:
        Image and label of the frame.
    """
    if view.is_straight:
        return image, label
    size = view.frame[::-1]
    labels = cv2.warpPerspective(
        label, view.matrix, size, flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT, borderValue=(0 if ground is None else around,),
    )  # fmt: skip
    if ground is None:
        shown = cv2.warpPerspective(
            image, view.matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    else:
        shown = cv2.warpPerspective(
            image, view.matrix, size, dst=ground.copy(), flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_TRANSPARENT,
        )  # fmt: skip
    return np.asarray(shown, np.uint8), np.asarray(labels, np.uint16)


def expose(
    image: Gray, camera: Camera, stroke_px: float, contrast: float, rng: np.random.Generator
) -> Gray:
    """Take the picture: blur, noise, sharpening, the file's compression.

    Args:
        image: (H, W, 3) uint8.
        camera: How far all of it goes.
        stroke_px: Width of the thinnest stroke that shall stay legible, px.
        contrast: Grey levels between the palest such stroke and its ground.
        rng: Source of every draw.
    """
    hard = camera is Camera.HARD
    if camera is not Camera.SCAN:
        image = _blurred(image, hard, stroke_px, rng)
    elif rng.random() < 0.3 and stroke_px > 1.2:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.8)), np.uint8)
    if rng.random() < 0.12:
        image = np.asarray(cv2.merge([cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)] * 3), np.uint8)
    highest = {Camera.SCAN: 2.5, Camera.PHONE: 6.0, Camera.HARD: 16.0}[camera]
    sigma = min(highest * rng.random() ** 2, contrast / 6)
    image = _noisy(image, sigma, rng)
    if rng.random() < 0.3:
        soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.8, 2))
        gain = rng.uniform(0.3, 1.3)
        image = np.asarray(cv2.addWeighted(image, 1 + gain, soft, -gain, 0), np.uint8)
    if camera is Camera.SCAN and contrast > 70 and rng.random() < 0.2:
        image = _black_and_white(image)
    if rng.random() < 0.85:
        low = 25 if hard and contrast > 40 else 50
        options = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(low, 97))]
        jpeg = cv2.imencode(".jpg", image, options)[1]
        image = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)
    return image


def _blurred(image: Gray, hard: bool, stroke_px: float, rng: np.random.Generator) -> Gray:
    limit = 0.25 + (0.45 if hard else 0.3) * stroke_px
    sigma = min(rng.gamma(2, 0.6 if hard else 0.35), limit, 5)
    height, width = image.shape[:2]
    if stroke_px > 2 and rng.random() < (0.3 if hard else 0.1):  # Digital zoom.
        factor = max(rng.uniform(0.4, 0.95), 1.6 / stroke_px)
        if factor < 1:
            small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            image = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))
    if sigma > 0.25:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(sigma)), np.uint8)
    if stroke_px > 1.5 and rng.random() < (
        0.25 if hard else 0.08
    ):  # The hand that holds the camera moves.
        length = int(min(rng.uniform(2, 12), 1 + stroke_px * 1.2))
        if length >= 2:
            kernel = np.zeros((length, length), np.float32)
            end = (rng.uniform(0, 1, 2) * (length - 1)).round().astype(int).tolist()
            start = (0 if rng.random() < 0.5 else length - 1, 0)
            cv2.line(kernel, start, end, (1.0,))
            image = np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)
    return image


def _noisy(image: Gray, sigma: float, rng: np.random.Generator) -> Gray:
    """Add sensor noise: luma by pixel, and a little chroma in coarser grains."""
    if sigma < 0.4:
        return image
    shape = image.shape[0], image.shape[1]
    luma = grain(shape, rng, rng.choice([1.0, 1.0, 1.6])) * np.float32(sigma)
    small = (shape[0] + 2) // 3, (shape[1] + 2) // 3
    chroma = enlarged(grain(small, rng) * np.float32(sigma * 0.4), shape)
    blue, green, red = cv2.split(image)
    planes = [
        cv2.add(blue, cv2.add(luma, chroma), dtype=cv2.CV_8U),
        cv2.add(green, luma, dtype=cv2.CV_8U),
        cv2.add(red, cv2.subtract(luma, chroma), dtype=cv2.CV_8U),
    ]
    return np.asarray(cv2.merge(planes), np.uint8)


def _black_and_white(image: Gray) -> Gray:
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    _, plane = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return np.asarray(cv2.merge([plane] * 3), np.uint8)
