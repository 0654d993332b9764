"""The usual recognizer, as tutorials write it: what digitcam is measured against.

Median blur 7 on the colour image, adaptive threshold 33/25, outer contours, every crop stretched to
18 x 18 px and padded by 5 px, one call of the network a digit. It runs the same ``.tflite`` in the
same runtime, with one interpreter built once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.classify import find_interpreter
from digitcam.edge.settings import Runtime

Image = NDArray[np.uint8]
Place = Sequence[int]
"""Left, top, width and height, px."""

MEDIAN_PX = 7
BLOCK_PX = 33
OFFSET = 25
CONTENT_PX = 18
PADDING_PX = 5
MIN_SIDE_PX = 5
"""Marks no wider or no higher than this are taken for dirt."""


def blur(bgr: Image) -> Image:
    """Smooth the colour image: (H, W, 3) uint8 to the same."""
    return _uint8(cv2.medianBlur(bgr, MEDIAN_PX))


def to_gray(bgr: Image) -> Image:
    """(H, W, 3) uint8 BGR -> (H, W) uint8, 0 black."""
    return _uint8(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY))


def threshold(gray: Image) -> Image:
    """(H, W) uint8, 0 black -> (H, W) uint8, 255 where ink is."""
    mean, inverted = cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV
    return _uint8(cv2.adaptiveThreshold(gray, 255, mean, inverted, BLOCK_PX, OFFSET))


def find_boxes(ink: Image) -> list[Place]:
    """Return the upright rectangles around the outer contours."""
    contours, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    places = [cv2.boundingRect(contour) for contour in contours]
    return [place for place in places if place[2] > MIN_SIDE_PX and place[3] > MIN_SIDE_PX]


def crop(ink: Image, place: Place) -> Image:
    """Stretch one mark to the content's square and pad it: (28, 28) uint8, white on black."""
    x, y, width, height = place
    content = cv2.resize(ink[y : y + height, x : x + width], (CONTENT_PX, CONTENT_PX))
    pad = PADDING_PX
    return _uint8(cv2.copyMakeBorder(content, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=(0,)))


class Network:
    """The network, called with one digit at a time."""

    def __init__(self, model: bytes, runtime: Runtime) -> None:
        _, interpreter = find_interpreter(runtime)
        self._interpreter: Any = interpreter(model_content=model, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]

    def digit(self, image: Image) -> int:
        """(28, 28) uint8 -> the class of the largest logit."""
        scale, zero_point = self._input["quantization"]
        levels = np.rint(image / 255 / scale + zero_point)
        values = np.clip(levels, -128, 127).astype(np.int8)
        self._interpreter.set_tensor(self._input["index"], values.reshape(1, *image.shape, 1))
        self._interpreter.invoke()
        return int(self._interpreter.get_tensor(self._output["index"]).argmax())


def _uint8(image: object) -> Image:
    """Tell the type checker what OpenCV returned."""
    return image  # type: ignore[return-value]
