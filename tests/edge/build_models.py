"""Builds the tiny models in tests/data/models that test_classify.py runs or sees refused.

They are committed, so that the tests need no TensorFlow. Run this to make them anew, with the
folder to write to as its argument.
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import flatbuffers
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

BRIGHTEST = 0.5
"""Of the calibration images; brighter pixels have to be clipped."""
NEWER_VERSION = 99
"""Of an operator; no runtime has it."""

Function = Callable[..., tf.Tensor]


def logits(image: tf.Tensor, classes: int = 10) -> tf.Tensor:
    """Average over quarters of the image, then give a logit a class."""
    weights = np.random.default_rng(1).normal(0, 2, (2, 2, 1, classes)).astype(np.float32)
    return tf.nn.conv2d(tf.nn.avg_pool2d(image, 14, 14, "VALID"), weights, 1, "VALID")


def build(function: Function, *shapes: tuple[int, ...], integer: bool = True) -> bytes:
    """Convert a function of images of these shapes, 0 to 1."""
    signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes or [(1, 28, 28, 1)]]
    concrete = tf.function(function).get_concrete_function(*signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.allow_custom_ops = True
    if integer:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: calibration(signature)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def calibration(signature: list[tf.TensorSpec]) -> Iterator[list[np.ndarray]]:
    rng = np.random.default_rng(2)
    for _ in range(20):
        yield [rng.uniform(0, BRIGHTEST, spec.shape).astype(np.float32) for spec in signature]


def with_newer_operators(model: bytes) -> bytes:
    """Say that the operators are of a version to come."""
    tree = schema.ModelT.InitFromPackedBuf(model)
    for code in tree.operatorCodes:
        code.version = NEWER_VERSION
    builder = flatbuffers.Builder(len(model))
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def main() -> None:
    whole = build(logits)
    models = {
        "whole": whole,
        "float": build(logits, integer=False),
        "flat": build(lambda x: logits(tf.reshape(x, (1, 28, 28, 1))), (1, 784)),
        "three_classes": build(lambda x: logits(x, 3)),
        "two_inputs": build(lambda x, y: logits(x * y), (1, 28, 28, 1), (1, 28, 28, 1)),
        "two_outputs": build(lambda x: (logits(x), logits(x, 3))),
        "one_at_a_time": build(lambda x: tf.reshape(logits(x) + 1.0, (1, 10))),
        "newer_operators": with_newer_operators(whole),
        "unknown_operator": build(lambda x: tf.math.digamma(logits(x)), integer=False),
    }
    for name, model in models.items():
        (Path(sys.argv[1]) / f"{name}.tflite").write_bytes(model)


if __name__ == "__main__":
    main()
