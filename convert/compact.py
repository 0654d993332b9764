"""A .tflite without what no runtime needs, so that its bytes are the network's.

The converter writes the zero points of every channel anew though all are 0, and calls each tensor
after all the layers that became it. Here equal tables are written once, as the format allows; only
the ends are named, and the signature and the converter's notes are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .graph import IDENTIFIER

ALIGNMENT = 16
"""Bytes to which the data of a buffer is aligned (schema.fbs, ``force_align``)."""
KEPT = b"min_runtime_version"
"""The only metadata that says something about running the file."""


def compact(model: bytes) -> bytes:
    """Return a .tflite of the same operators, tensors and data, in the same order."""
    from ai_edge_litert import schema_py_generated as schema

    content = schema.ModelT.InitFromPackedBuf(model, 0)
    for graph in content.subgraphs:
        ends = {**dict.fromkeys(graph.inputs, b"image"), **dict.fromkeys(graph.outputs, b"logits")}
        for place, tensor in enumerate(graph.tensors):
            tensor.name = ends.get(place)
    content.signatureDefs = None
    content.metadata = [each for each in content.metadata or () if each.name == KEPT] or None
    builder = _sharing_builder(len(model))
    builder.Finish(content.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _sharing_builder(size: int) -> Any:
    """Return a builder that writes equal vectors once."""
    import flatbuffers

    class Sharing(flatbuffers.Builder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(size)
            self._written: dict[tuple[str, bytes], int] = {}

        def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802 - the builder's name
            key = x.dtype.str, x.tobytes()
            if key not in self._written:
                if x.dtype == np.uint8:  # data of a buffer; tables are aligned as their numbers
                    self.Prep(ALIGNMENT, x.nbytes)
                self._written[key] = int(super().CreateNumpyVector(x))
            return self._written[key]

    return Sharing()
