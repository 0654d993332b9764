"""Model images to probabilities. The only module that knows TFLite."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .bundle import AGAIN, Bundle
from .crop import IMAGE_SHAPE
from .errors import ModelError, RuntimeUnavailableError
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


class Classifier:
    """Runs one model for the process's life. Not thread-safe, as the interpreter is not.

    Args:
        bundle: The model.
        runtime: Which TFLite runtime; ``auto`` takes the fastest that is installed.
        threads: Processors the runtime may use.

    Raises:
        RuntimeUnavailableError: The runtime is not installed or does not fit numpy.
        ModelError: The runtime refuses the model, or its shapes or types are others.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime = "auto", threads: int = 1) -> None:
        self.runtime, interpreter = find_interpreter(runtime)
        self._bundle = bundle
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
        self._check()
        self._batch = 1
        scale, zero_point = self._input["quantization"]
        levels = np.arange(256) / 255 / scale + zero_point
        self._quantized = np.clip(np.rint(levels), -128, 127).astype(np.int8).view(np.uint8)

    def _check(self) -> None:
        name, classes = self._bundle.name, len(self._bundle.classes)
        shape, kind = tuple(self._input["shape"]), np.dtype(self._input["dtype"])
        if kind != np.int8 or shape != (1, *IMAGE_SHAPE, 1) or not self._input["quantization"][0]:
            raise ModelError(
                f"{name}: input must be int8 (1, 28, 28, 1), "
                f"found {kind} {_numbers(shape)}; {AGAIN}"
            )
        shape, kind = tuple(self._output["shape"]), np.dtype(self._output["dtype"])
        if kind != np.int8 or np.prod(shape) != classes or not self._output["quantization"][0]:
            raise ModelError(
                f"{name}: output must be {classes} int8 logits, one a class of the sidecar, "
                f"found {kind} {_numbers(shape)}; {AGAIN}"
            )

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.int8]:
        """Return the quantized logits: (N, 28, 28) uint8 -> (N, classes) int8."""
        parts = [images[i : i + MAX_BATCH] for i in range(0, len(images), MAX_BATCH)]
        if not parts:
            return np.zeros((0, len(self._bundle.classes)), np.int8)
        return np.concatenate([self._invoke(part) for part in parts])

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the calibrated probabilities: (N, 28, 28) uint8 -> (N, classes) float32."""
        scale, zero_point = self._output["quantization"]
        logits = self.logits(images).astype(np.float32) - np.float32(zero_point)
        logits *= np.float32(scale / self._bundle.temperature)
        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        return exponentials / exponentials.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]

    def _invoke(self, images: NDArray[np.uint8]) -> NDArray[np.int8]:
        count = len(images)
        batch = 1 if count == 1 else -(-count // BATCH_STEP) * BATCH_STEP
        if batch != self._batch:
            self._resize(batch)
        values = np.zeros((batch, *IMAGE_SHAPE, 1), np.int8)
        quantized = cv2.LUT(images.reshape(-1, IMAGE_SHAPE[1]), self._quantized)
        values[:count, ..., 0] = quantized.reshape(images.shape).view(np.int8)
        self._interpreter.set_tensor(self._input["index"], values)
        self._interpreter.invoke()
        output: NDArray[np.int8] = self._interpreter.get_tensor(self._output["index"])
        return output.reshape(batch, -1)[:count]

    def _resize(self, batch: int) -> None:
        try:
            self._interpreter.resize_tensor_input(self._input["index"], [batch, *IMAGE_SHAPE, 1])
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"{self._bundle.name}: {self.runtime} cannot run it on {batch} images at once: "
                f"{_first_line(error)}; {AGAIN}"
            ) from error
        self._batch = batch


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
