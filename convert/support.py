"""Which operators tflite-runtime 2.14 has, up to which version."""

from __future__ import annotations

from .graph import Graph

TFLITE_RUNTIME = "2.14"

MAX_VERSIONS = {
    "ADD": 5,
    "AVERAGE_POOL_2D": 3,
    "CAST": 5,
    "CONCATENATION": 4,
    "CONV_2D": 7,
    "DEPTHWISE_CONV_2D": 7,
    "DEQUANTIZE": 5,
    "EXPAND_DIMS": 1,
    "FULLY_CONNECTED": 10,
    "HARD_SWISH": 1,
    "L2_NORMALIZATION": 2,
    "LEAKY_RELU": 2,
    "LOGISTIC": 3,
    "MAX_POOL_2D": 3,
    "MAXIMUM": 4,
    "MEAN": 3,
    "MINIMUM": 4,
    "MUL": 7,
    "PACK": 4,
    "PAD": 4,
    "PADV2": 4,
    "PRELU": 1,
    "QUANTIZE": 3,
    "REDUCE_MAX": 3,
    "RELU": 3,
    "RELU6": 3,
    "RESHAPE": 1,
    "SHAPE": 1,
    "SLICE": 6,
    "SOFTMAX": 3,
    "SPLIT": 4,
    "SQUEEZE": 2,
    "STRIDED_SLICE": 8,
    "SUB": 5,
    "SUM": 2,
    "TANH": 3,
    "TRANSPOSE": 6,
}
"""Operator to the highest version that the tflite-runtime 2.14.0 wheel finds.

Asked of the wheel itself, and tests/convert/test_support.py asks it again. Operators of a digit
network; others are refused until somebody adds them here.
"""


def unsupported_operators(graph: Graph) -> list[str]:
    """Tell, a sentence each, which operators of the graph tflite-runtime 2.14 lacks."""
    return [
        f"operator {operator.name}: expected "
        + (f"version {known} or lower" if known else f"one of {len(MAX_VERSIONS)} known ones")
        + f", which tflite-runtime {TFLITE_RUNTIME} runs, found version {operator.version}; "
        "quantize to full int8 or build the network from other layers"
        for operator in graph.operators
        if operator.version > (known := MAX_VERSIONS.get(operator.name, 0))
    ]
