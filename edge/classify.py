"""Model images to probabilities. The only module that knows TFLite."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .bundle import AGAIN, DIGIT_CLASSES, Bundle, check_kind
from .errors import ModelError, RuntimeUnavailableError
from .reading.view import IMAGE_SHAPE
from .settings import Runtime

MODULES: dict[str, str] = {
    "litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
}
"""Interpreter modules, the faster first, as benchmarks/frame.py shows; ``auto`` tries in order."""
INSTALL = {
    "litert": "pip install 'digitcam[litert]'",
    "tflite-runtime": "pip install 'tflite-runtime==2.14.*' 'numpy<2' (Python 3.11 or older)",
}
BATCH_STEP = 4
"""Batches are filled up to a multiple, so that the graph is seldom laid out anew."""
MAX_BATCH = 64
"""Larger batches are cut, which bounds the memory."""


class Network:
    """Runs one model for the process's life. Not thread-safe, as the interpreter is not.

    Args:
        bundle: The model.
        runtime: Which TFLite runtime; ``auto`` takes the fastest that is installed.
        threads: Processors the runtime may use.
        image_shape: (height, width) of the images that the model is laid out for.
        places: Places of an image at which it gives a logit a class.
        rehearsed: Whether another process has run it, or this one may die of it.

    Raises:
        RuntimeUnavailableError: The runtime is not installed or does not fit numpy.
        ModelError: The runtime refuses the model, or its shapes or types are others.
    """

    def __init__(
        self,
        bundle: Bundle,
        runtime: Runtime,
        threads: int,
        image_shape: tuple[int, int],
        places: int = 1,
        *,
        rehearsed: bool = False,
    ) -> None:
        self.runtime, interpreter = find_interpreter(runtime)
        if not rehearsed and not bundle.is_shipped:
            from .rehearsal import rehearse  # which takes a tenth of the start

            rehearse(bundle, self.runtime, threads, image_shape, places)
        self.bundle = bundle
        try:
            self._interpreter = interpreter(model_content=bundle.model, num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"{bundle.name}: {self.runtime} cannot run it: {_first_line(error)}; {AGAIN}"
            ) from error
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        if (len(inputs), len(outputs)) != (1, 1):
            raise ModelError(
                f"{bundle.name}: expected one input and one output, "
                f"found {len(inputs)} and {len(outputs)}; {AGAIN}"
            )
        self._input, self._output = inputs[0], outputs[0]
        self._shape: tuple[int, ...] = (1, *image_shape, 1)
        self._check(places)
        scale, zero_point = self._input["quantization"]
        levels = np.arange(256) / 255 / scale + zero_point
        self._quantized = np.clip(np.rint(levels), -128, 127).astype(np.int8).view(np.uint8)

    def _check(self, places: int) -> None:
        name, count = self.bundle.name, places * len(self.bundle.classes)
        shape, kind = tuple(self._input["shape"]), np.dtype(self._input["dtype"])
        if kind != np.int8 or shape != self._shape or not self._input["quantization"][0]:
            raise ModelError(
                f"{name}: input must be int8 {_numbers(self._shape)}, "
                f"found {kind} {_numbers(shape)}; {AGAIN}"
            )
        shape, kind = tuple(self._output["shape"]), np.dtype(self._output["dtype"])
        if kind != np.int8 or np.prod(shape) != count or not self._output["quantization"][0]:
            raise ModelError(
                f"{name}: output must be {count} int8 logits, one a class of the sidecar"
                f"{f' at each of {places} places' if places > 1 else ''}, "
                f"found {kind} {_numbers(shape)}; {AGAIN}"
            )

    def invoke(self, images: NDArray[np.uint8]) -> NDArray[np.int8]:
        """Return the quantized logits: (N, height, width) uint8 -> (N, ...) int8, N from 1.

        Raises:
            ModelError: The runtime fails to run it.
        """
        shape = (*images.shape, 1)
        if shape != self._shape:
            self._resize(shape)
        quantized = cv2.LUT(images.reshape(-1, images.shape[-1]), self._quantized)
        self._interpreter.set_tensor(self._input["index"], quantized.view(np.int8).reshape(shape))
        try:
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise self._refusal(len(images), error) from error
        logits: NDArray[np.int8] = self._interpreter.get_tensor(self._output["index"])
        return logits

    def softmax(self, logits: NDArray[np.int8]) -> NDArray[np.float32]:
        """Return the calibrated probabilities: (..., classes) int8 -> (..., classes) float32."""
        scale, zero_point = self._output["quantization"]
        real = logits.astype(np.float32) - np.float32(zero_point)
        real *= np.float32(scale / self.bundle.temperature)
        real -= real.max(axis=-1, keepdims=True)
        exponentials = np.exp(real)
        return exponentials / exponentials.sum(axis=-1, keepdims=True)  # type: ignore[no-any-return]

    def _resize(self, shape: tuple[int, ...]) -> None:
        try:
            self._interpreter.resize_tensor_input(self._input["index"], shape)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise self._refusal(shape[0], error) from error
        self._shape = shape

    def _refusal(self, count: int, error: Exception) -> ModelError:
        return ModelError(
            f"{self.bundle.name}: {self.runtime} cannot run it on {count} images at once: "
            f"{_first_line(error)}; {AGAIN}"
        )


class Classifier:
    """Tells what single marks are.

    Args:
        bundle: The model: (28, 28) images to a logit a class.
        runtime: Which TFLite runtime; ``auto`` takes the fastest that is installed.
        threads: Processors the runtime may use.
        rehearsed: Whether this process is apart and may die of the model, see rehearsal.

    Raises:
        RuntimeUnavailableError: The runtime is not installed or does not fit numpy.
        ModelError: The runtime refuses the model, or its shapes or types are others.
    """

    def __init__(
        self,
        bundle: Bundle,
        runtime: Runtime = "auto",
        threads: int = 1,
        *,
        rehearsed: bool = False,
    ) -> None:
        check_kind(bundle, strings=False)
        self._network = Network(bundle, runtime, threads, IMAGE_SHAPE, rehearsed=rehearsed)
        self.runtime = self._network.runtime
        self.digits = np.array([bundle.classes.index(digit) for digit in DIGIT_CLASSES])
        """Places of the ten digits among the classes."""

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.int8]:
        """Return the quantized logits: (N, 28, 28) uint8 -> (N, classes) int8."""
        parts = [images[i : i + MAX_BATCH] for i in range(0, len(images), MAX_BATCH)]
        if not parts:
            return np.zeros((0, len(self._network.bundle.classes)), np.int8)
        return np.concatenate([self._invoke(part) for part in parts])

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the calibrated probabilities: (N, 28, 28) uint8 -> (N, classes) float32."""
        return self._network.softmax(self.logits(images))

    def likeliest_digit(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of each mark's likeliest digit: (N, classes) -> (N,)."""
        likeliest: NDArray[np.float32] = probabilities[:, self.digits].max(axis=1, initial=0)
        return likeliest

    def _invoke(self, images: NDArray[np.uint8]) -> NDArray[np.int8]:
        count = len(images)
        batch = 1 if count == 1 else -(-count // BATCH_STEP) * BATCH_STEP
        filled = np.zeros((batch, *IMAGE_SHAPE), np.uint8)
        filled[:count] = images
        return self._network.invoke(filled).reshape(batch, -1)[:count]


def find_interpreter(runtime: Runtime) -> tuple[str, Callable[..., Any]]:
    """Return the name and the ``Interpreter`` class of an installed TFLite runtime.

    Raises:
        RuntimeUnavailableError: None that was asked for can be used.
    """
    reasons = []
    for name in MODULES if runtime == "auto" else [runtime]:
        try:
            if name == "tflite-runtime":
                _check_numpy()
            return name, importlib.import_module(MODULES[name]).Interpreter
        except ImportError as error:
            reasons.append(f"{name}: {_first_line(error)}; {INSTALL[name]}")
    raise RuntimeUnavailableError(f"no usable TFLite runtime ({' | '.join(reasons)})")


def _check_numpy() -> None:
    """Refuse numpy 2, beside which tflite-runtime imports and then fails to build anything."""
    if int(np.__version__.split(".")[0]) >= 2:
        raise RuntimeUnavailableError(f"needs numpy below 2, found {np.__version__}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _numbers(shape: tuple[int, ...]) -> str:
    return f"({', '.join(str(int(side)) for side in shape)})"
