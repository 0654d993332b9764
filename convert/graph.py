"""What a .tflite consists of, read from the file itself: tensors, operators, quantization."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from .errors import GraphError

IDENTIFIER = b"TFL3"
"""Bytes 4 to 8 of every .tflite (schema.fbs, ``file_identifier``)."""


@dataclass(frozen=True)
class Tensor:
    """One tensor of the file."""

    name: str
    kind: str
    """Element type as the schema calls it, in lower case: ``int8``, ``float32``, …"""
    shape: tuple[int, ...]
    scale: float
    """Of the first channel; 0 where it is not quantized."""
    zero_point: int


@dataclass(frozen=True)
class Operator:
    """A kind of operator that a runtime has to know to load the file."""

    name: str
    """As the schema calls it (``CONV_2D``), or ``custom NAME``."""
    version: int


@dataclass(frozen=True)
class Graph:
    """Everything in the file that the checks look at."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def read_graph(model: bytes) -> Graph:
    """Walk the flatbuffer of a .tflite.

    Raises:
        GraphError: It is none, or damaged.
    """
    # The successor of tflite-runtime ships the schema as a public module; TensorFlow's own copy is
    # inside a package that it announces to remove.
    from ai_edge_litert import schema_py_generated as schema

    if model[4:8] != IDENTIFIER:
        raise GraphError(f"expected a .tflite (TFL3 at byte 4), found {model[4:8]!r}")
    try:
        return _graph(schema.ModelT.InitFromPackedBuf(model, 0), schema)
    except (struct.error, ValueError, IndexError, TypeError, AttributeError) as error:
        raise GraphError(f"expected a whole .tflite, found damage: {error}") from error


def _graph(model: Any, schema: Any) -> Graph:
    kinds, names = _names(schema.TensorType), _names(schema.BuiltinOperator)
    groups = [
        [_tensor(place, tensor, kinds) for place, tensor in enumerate(graph.tensors)]
        for graph in model.subgraphs
    ]
    main = model.subgraphs[0]
    return Graph(
        tensors=tuple(tensor for group in groups for tensor in group),
        operators=tuple(_operator(code, names) for code in model.operatorCodes),
        inputs=tuple(groups[0][index] for index in main.inputs),
        outputs=tuple(groups[0][index] for index in main.outputs),
    )


def _tensor(place: int, tensor: Any, kinds: dict[int, str]) -> Tensor:
    quantization = tensor.quantization
    quantized = quantization is not None and quantization.scale is not None
    return Tensor(
        name=tensor.name.decode(errors="replace") if tensor.name else f"tensor {place}",
        kind=kinds.get(tensor.type, f"type {tensor.type}").lower(),
        shape=tuple(int(side) for side in tensor.shape) if tensor.shape is not None else (),
        scale=float(quantization.scale[0]) if quantized else 0.0,
        zero_point=int(quantization.zeroPoint[0]) if quantized else 0,
    )


def _operator(code: Any, names: dict[int, str]) -> Operator:
    # Codes beyond 127 do not fit the old one-byte field; the larger of the two is meant.
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    name = names.get(number, f"operator {number}")
    if name == "CUSTOM":
        name = f"custom {(code.customCode or b'').decode(errors='replace')}"
    return Operator(name, int(code.version))


def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}
