"""Where in an image a network finds its answer.

Grad-CAM: Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via
Gradient-based Localization". Occlusion: Zeiler and Fergus 2014, "Visualizing and Understanding
Convolutional Networks"; it needs nothing of the network but its answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge.reading.view import IMAGE_SHAPE

if TYPE_CHECKING:
    import keras

Images = NDArray[np.uint8]
"""(N, 28, 28) uint8 model images."""
Heat = NDArray[np.float32]
"""(N, 28, 28) float32, -1 to 1: what speaks for the class is above 0, what speaks against it below.
The strongest of each image is 1 or -1, if there is any."""
Probabilities = Callable[[Images], NDArray[np.float32]]
"""(N, 28, 28) uint8 -> (N, classes)."""

PATCH_PX, STEP_PX = 6, 2
"""Side of the paper that covers ink, and by how much it is moved on."""
LEAST = float(np.finfo(np.float32).tiny)


def occlusion(probabilities: Probabilities, images: Images, classes: NDArray[np.intp]) -> Heat:
    """Tell how much less probable a class gets where ink is covered with paper.

    Args:
        probabilities: The network.
        images: (N, 28, 28).
        classes: (N,) column of the probabilities that is looked at in each.

    Returns:
        By pixel, the mean fall of the class's log-odds over all places of the patch that cover it.
    """
    return _scaled([_falls(probabilities, *each) for each in zip(images, classes, strict=True)])


def _falls(probabilities: Probabilities, image: NDArray[np.uint8], which: int) -> NDArray[Any]:
    covered = np.where(_PATCHES, np.uint8(0), image)
    odds = _log_odds(probabilities(np.stack([image, *covered])), which)
    fall = np.tensordot(odds[0] - odds[1:], _PATCHES, axes=1)
    return fall / _PATCHES.sum(axis=0)  # type: ignore[no-any-return]


def _log_odds(found: NDArray[np.float32], which: int) -> NDArray[np.float32]:
    """Return (N,) of a class; from the others' sum, because 1 less a probability is often 0."""
    others = np.delete(found, which, axis=1).sum(axis=1)
    odds: NDArray[np.float32] = np.maximum(found[:, which], LEAST) / np.maximum(others, LEAST)
    return np.log(odds)


def _patches() -> NDArray[np.bool_]:
    """Return every place of the patch, over the edges too: (P, 28, 28), where it covers."""
    height, width = IMAGE_SHAPE
    begin = STEP_PX - PATCH_PX
    rows, columns = np.mgrid[begin:height:STEP_PX, begin:width:STEP_PX].reshape(2, -1, 1, 1)
    y, x = np.mgrid[:height, :width]
    covers: NDArray[np.bool_] = (
        (rows <= y) & (y < rows + PATCH_PX) & (columns <= x) & (x < columns + PATCH_PX)
    )
    return covers


_PATCHES = _patches()


class GradCam:
    """Grad-CAM on the last convolution of a network whose map has more than one cell.

    Args:
        model: (N, 28, 28, 1) float32, 0 to 1 -> logits.

    Raises:
        ValueError: There is no such convolution, or Keras does not run on TensorFlow.
    """

    def __init__(self, model: keras.Model) -> None:
        import keras

        last = _last_map(model)
        if keras.backend.backend() != "tensorflow":
            raise ValueError(f"Keras runs on {keras.backend.backend()}, not on TensorFlow")
        self._trunk = keras.Model(model.input, model.layers[last].output)
        self._head = keras.Model(model.layers[last].output, model.output)
        self._first, self._step, self.view_px = _cells(model.layers[: last + 1])
        _, self.rows, self.columns, _ = model.layers[last].output.shape

    def __call__(self, images: Images, classes: NDArray[np.intp]) -> Heat:
        """Tell where the maps that speak for a class are active.

        Args:
            images: (N, 28, 28).
            classes: (N,) logit that is looked at in each.

        Returns:
            Nothing below 0, because what speaks against the class is left out.
        """
        maps = self._trunk.predict((images / np.float32(255))[..., None], verbose=0)
        weights = self._gradients(maps, classes).mean(axis=(1, 2), keepdims=True)
        heats = np.maximum((maps * weights).sum(axis=-1), 0)
        return _scaled([self._enlarged(heat) for heat in heats])

    def _gradients(
        self, maps: NDArray[np.float32], classes: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Return by how much a logit changes with each activation of the maps."""
        import tensorflow

        watched = tensorflow.constant(maps)
        with tensorflow.GradientTape() as tape:
            tape.watch(watched)
            logits = tensorflow.reshape(self._head(watched), (len(maps), -1))
            chosen = tensorflow.gather(logits, classes, axis=1, batch_dims=1)
        return tape.gradient(chosen, watched).numpy()  # type: ignore[no-any-return]

    def _enlarged(self, heat: NDArray[np.float32]) -> NDArray[np.float32]:
        """Lay the map's cells over the image, each on the middle of what it sees."""
        y, x = np.mgrid[: IMAGE_SHAPE[0], : IMAGE_SHAPE[1]].astype(np.float32)
        across, down = ((axis - self._first) / self._step for axis in (x, y))
        return cv2.remap(heat, across, down, cv2.INTER_LINEAR)  # type: ignore[return-value]


def _last_map(model: keras.Model) -> int:
    """Return the index of the layer that the last map of more than one cell comes out of."""
    from keras import layers

    found = [
        index
        for index, layer in enumerate(model.layers)
        if isinstance(layer, layers.Conv2D) and max(layer.output.shape[1:3]) > 1
    ]
    if not found:
        raise ValueError("it has no convolution whose map has more than one cell")
    last = found[-1]
    after = layers.BatchNormalization | layers.ReLU | layers.Activation | layers.Add
    while isinstance(model.layers[last + 1], after):
        last += 1
    return last


def _cells(chain: list[Any]) -> tuple[float, float, int]:
    """Return what a map's cells see, in pixels of the image.

    Returns:
        The middle of what the first cell sees, the way from one cell to the next, and how wide each
        sees.
    """
    first, step, view = 0.0, 1.0, 1.0
    for layer in chain:
        first += getattr(layer, "cropping", ((0,),))[0][0] * step
        side = getattr(layer, "kernel_size", getattr(layer, "pool_size", (1,)))[0]
        stride = getattr(layer, "strides", (1,))[0]
        before = 0
        if getattr(layer, "padding", "valid") == "same":
            wide, out = layer.input.shape[1], layer.output.shape[1]
            before = max((out - 1) * stride + side - wide, 0) // 2
        first += ((side - 1) / 2 - before) * step
        view += (side - 1) * step
        step *= stride
    return first, step, int(view)


def _scaled(heats: list[NDArray[Any]]) -> Heat:
    """Divide each by its strongest; nothing stays nothing."""
    heat = np.stack(heats).astype(np.float32)
    strongest = np.abs(heat).max(axis=(1, 2), keepdims=True)
    return heat / np.maximum(strongest, LEAST)  # type: ignore[no-any-return]
