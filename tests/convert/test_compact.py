"""What is left out of a .tflite, and what must not be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitcam.convert.compact import compact
from digitcam.convert.graph import read_graph
from digitcam.convert.runtimes import logits
from digitcam.edge.bundle import Bundle
from digitcam.train.data import load_digits

WHOLE = Path(__file__).parent.parent / "data" / "models" / "whole.tflite"


@pytest.fixture
def written(tools: None) -> bytes:
    """A quantized model as the converter writes it."""
    return WHOLE.read_bytes()


def content(model: bytes) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(model, 0)


def test_it_is_smaller(written: bytes) -> None:
    """A tenth goes at least, and no more the second time."""
    small = compact(written)
    assert len(small) < 0.9 * len(written)
    assert compact(small) == small


def test_tensors_and_operators_stay(written: bytes) -> None:
    """Shapes, kinds, quantization, data and operators are as they were; the ends are named."""
    before, after = (content(model).subgraphs[0] for model in (written, compact(written)))
    buffers, small = content(written).buffers, content(compact(written)).buffers
    assert len(before.tensors) == len(after.tensors)
    for old, new in zip(before.tensors, after.tensors, strict=True):
        assert (old.type, list(old.shape)) == (new.type, list(new.shape))
        assert np.array_equal(old.quantization.scale, new.quantization.scale)
        assert np.array_equal(old.quantization.zeroPoint, new.quantization.zeroPoint)
        assert np.array_equal(buffers[old.buffer].data, small[new.buffer].data)
    assert [list(each.inputs) for each in before.operators] == [
        list(each.inputs) for each in after.operators
    ]
    assert read_graph(written).operators == read_graph(compact(written)).operators
    graph = read_graph(compact(written))
    assert [tensor.name for tensor in (*graph.inputs, *graph.outputs)] == ["image", "logits"]


def test_data_stays_aligned(written: bytes) -> None:
    """Runtimes read numbers in place, so that buffers begin at multiples of 16 bytes."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(compact(written), 0)
    buffers = [model.Buffers(place) for place in range(model.BuffersLength())]
    starts = [each._tab.Vector(each._tab.Offset(4)) for each in buffers if each.DataLength()]
    assert len(starts) >= 4
    assert {start % 16 for start in starts} == {0}


@pytest.mark.parametrize("runtime", ["litert", "tflite-runtime"])
def test_it_computes_the_same(
    written: bytes, digits_npz: Path, as_bundle: Callable[[bytes], Bundle], runtime: str
) -> None:
    """In both runtimes the logits are the same to the last bit."""
    images = load_digits(digits_npz).x_test
    before, after = (logits(as_bundle(m), runtime, images) for m in (written, compact(written)))
    assert len(np.unique(before)) > 10
    assert np.array_equal(before, after)
