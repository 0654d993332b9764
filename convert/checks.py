"""What a model must pass before it is written, and what is measured on the way."""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import Bundle
from digitcam.edge.errors import EdgeError
from digitcam.edge.golden import golden_images, images_digest
from digitcam.edge.reading.view import IMAGE_SHAPE
from digitcam.train.augment import plain_images
from digitcam.train.data import DigitData
from digitcam.train.evaluation import digit_accuracy

from . import runtimes
from .agreement import STEP, SUMMED_STEPS, Agreement, compare, step_limit
from .errors import GraphError
from .graph import Graph, Tensor, read_graph
from .samples import golden_indices
from .support import unsupported_operators

INTEGER = ("int8", "int32", "int64")
"""Weights and activations, biases, shapes. int64 occurs in shape arithmetic alone."""
MAX_GAP_POINTS = 0.05
"""How far the int8 accuracy may be from the float accuracy, in percentage points, unless the user
allows more."""
ROUNDING = 1e-9
"""Points by which a gap of exactly what is allowed may come out larger."""
INPUT_SCALE = 1 / 255
INPUT_ZERO_POINT = -128
NAMED = 3
"""So many offending tensors are named."""


@dataclass(frozen=True)
class Reference:
    """What an int8 model is held against."""

    accuracy: float
    """Of the network before quantization, on the test digits."""
    max_gap: float = MAX_GAP_POINTS
    """How far the int8 accuracy may be from it, in percentage points."""
    step_limit: int = STEP
    """Quantization steps by which the runtimes may differ, where there are no logits."""
    logits: NDArray[np.float32] | None = None
    """(N, classes), of the network before quantization, by which the limit is measured instead.

    digitcam's own networks are built to agree; published ones are not.
    """


@dataclass(frozen=True)
class Figures:
    """What was measured; what could not be is absent.

    An accuracy is a part of 1, among the ten digits: a class for no digit is left out.
    """

    bytes: int
    """Size of the .tflite."""
    test_images: int
    accuracy_float: float
    accuracy_int8: float | None = None
    """On tflite-runtime."""
    accuracy_litert: float | None = None
    """The same on ai-edge-litert."""
    agreement: Agreement | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as the sidecar holds them."""
        figures: dict[str, Any] = {
            "mnist_test_images": self.test_images,
            "mnist_test_accuracy_float": self.accuracy_float,
            "mnist_test_accuracy_int8": self.accuracy_int8,
            "mnist_test_accuracy_int8_litert": self.accuracy_litert,
            "bytes": self.bytes,
        }
        if self.agreement:
            figures |= {
                "golden_images": self.agreement.images,
                "golden_max_step": self.agreement.max_step,
                "golden_step_limit": self.agreement.limit,
                "golden_differing_logits": self.agreement.differing_logits,
                "golden_ties": self.agreement.ties,
            }
        return figures


@dataclass(frozen=True)
class Verdict:
    """The figures, and a sentence for each check that failed."""

    figures: Figures
    failures: tuple[str, ...]


def verify(bundle: Bundle, reference: Reference, data: DigitData) -> Verdict:
    """Check a model: its graph, then what both runtimes make of it.

    Args:
        bundle: The model, on disk or not yet.
        reference: What it is held against, on the same test digits.
        data: Digits whose test part is read.

    """
    golden = golden_indices(data.y_test)
    images = plain_images(data.x_test)
    failures = graph_failures(bundle.model)
    logits, accuracies = {}, {}
    for runtime in runtimes.DISTRIBUTIONS:
        made = _logits_or_failure(bundle, runtime, images, failures)
        if made is not None:
            logits[runtime] = made
            accuracies[runtime] = digit_accuracy(made, data.y_test, bundle.classes)
            failures += gap_failures(runtime, accuracies[runtime], reference)
    agreement = None
    if len(logits) == len(runtimes.DISTRIBUTIONS):
        device, successor = logits["tflite-runtime"], logits["litert"]
        limit = _step_limit(bundle.model, device, reference)
        agreement = compare(device[golden], successor[golden], limit)
        failures += agreement.failures()
    figures = Figures(
        len(bundle.model),
        len(images),
        reference.accuracy,
        accuracies.get("tflite-runtime"),
        accuracies.get("litert"),
        agreement,
    )
    return Verdict(figures, tuple(failures))


def graph_failures(model: bytes, input_shape: tuple[int, ...] = (1, *IMAGE_SHAPE, 1)) -> list[str]:
    """Tell, a sentence each, what in the file is not integer or not known to tflite-runtime.

    Args:
        model: Content of the .tflite.
        input_shape: What it must take.
    """
    try:
        graph = read_graph(model)
    except GraphError as error:
        return [f"graph: {error}"]
    return [
        *_float_tensors(graph),
        *_input_failures(graph, input_shape),
        *unsupported_operators(graph),
    ]


def allowed_steps(model: bytes) -> int:
    """Return by how many steps the runtimes may differ in a network of digitcam's own."""
    adds = any(operator.name == "ADD" for operator in read_graph(model).operators)
    return SUMMED_STEPS if adds else STEP


def gap_failures(runtime: runtimes.Name, accuracy: float, reference: Reference) -> list[str]:
    """Tell whether quantization changed the accuracy by more than it may."""
    gap = (accuracy - reference.accuracy) * 100
    if abs(gap) <= reference.max_gap + ROUNDING:
        return []
    return [
        f"accuracy: int8 on {runtime} must be within {reference.max_gap} points of float "
        f"({reference.accuracy:.2%}), found {accuracy:.2%}, {gap:+.2f} points; "
        "train longer, look at the calibration, or allow more with --max-gap"
    ]


def golden_failures(bundle: Bundle, limit: int) -> list[str]:
    """Tell, a sentence each, which runtime no longer gives the golden logits of the sidecar.

    A bundle without them, or with those of other images, has nothing to compare.
    """
    if bundle.golden is None or bundle.golden.images != images_digest():
        return []
    failures: list[str] = []
    for runtime in runtimes.DISTRIBUTIONS:
        logits = _logits_or_failure(bundle, runtime, golden_images(), failures)
        if logits is not None and (steps := bundle.golden.steps(logits)) > limit:
            failures.append(
                f"golden: logits of {runtime} must be those of the sidecar within {limit} "
                f"step{'s' * (limit > 1)}, found {steps}; convert again"
            )
    return failures


def _step_limit(model: bytes, logits: NDArray[np.int8], reference: Reference) -> int:
    if reference.logits is None:
        return reference.step_limit
    output = read_graph(model).outputs[0]
    return step_limit(logits, reference.logits, output.scale, output.zero_point)


def _float_tensors(graph: Graph) -> list[str]:
    others = [tensor for tensor in graph.tensors if tensor.kind not in INTEGER]
    if not others:
        return []
    named = ", ".join(f"{tensor.name} ({tensor.kind})" for tensor in others[:NAMED])
    more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
    return [
        f"integer tensors: expected int8 or int32 in all {len(graph.tensors)} tensors, "
        f"found {named}{more}; quantize to full int8"
    ]


def _input_failures(graph: Graph, shape: tuple[int, ...]) -> list[str]:
    if len(graph.inputs) == 1 and _is_pixel_input(graph.inputs[0], shape):
        return []
    found = "; ".join(
        f"{tensor.kind} {tensor.shape}, {tensor.scale:.6g}, {tensor.zero_point}"
        for tensor in graph.inputs
    )
    return [
        f"input: expected int8 {shape} with scale {INPUT_SCALE:.6g} and zero point "
        f"{INPUT_ZERO_POINT}, found {found}; calibrate with images that reach from 0 to 255"
    ]


def _is_pixel_input(tensor: Tensor, shape: tuple[int, ...]) -> bool:
    return (
        tensor.kind == "int8"
        and tensor.shape == shape
        and isclose(tensor.scale, INPUT_SCALE, rel_tol=1e-6)  # float32 in the file
        and tensor.zero_point == INPUT_ZERO_POINT
    )


def _logits_or_failure(
    bundle: Bundle, runtime: runtimes.Name, images: NDArray[np.uint8], failures: list[str]
) -> NDArray[np.int8] | None:
    try:
        return runtimes.logits(bundle, runtime, images)
    except EdgeError as error:
        failures.append(str(error))
        return None
