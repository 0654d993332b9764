"""What is read from a .tflite, and what is refused there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from digitcam.convert.checks import graph_failures
from digitcam.convert.errors import GraphError
from digitcam.convert.graph import read_graph
from digitcam.convert.runtimes import logits
from digitcam.edge.bundle import Bundle
from digitcam.edge.errors import ModelError
from digitcam.train.data import load_digits


def test_a_converted_model_passes(converted: Path) -> None:
    """A converted model is plain int8 convolutions from int8 pixels to int8 logits."""
    model = converted.with_suffix(".tflite").read_bytes()
    graph = read_graph(model)
    assert graph_failures(model) == []
    assert {tensor.kind for tensor in graph.tensors} == {"int8", "int32"}
    assert {operator.name for operator in graph.operators} == {"CONV_2D"}
    assert [(tensor.kind, tensor.shape) for tensor in graph.outputs] == [("int8", (1, 1, 1, 10))]
    assert (graph.inputs[0].zero_point, round(graph.inputs[0].scale * 255, 6)) == (-128, 1)


def test_a_float_model_is_refused(models: Path) -> None:
    """A model that was not quantized is refused for its tensors and for its input."""
    failures = graph_failures((models / "float.tflite").read_bytes())
    assert any("integer tensors" in failure and "(float32)" in failure for failure in failures)
    assert any("input: expected int8 (1, 28, 28, 1)" in failure for failure in failures)


def test_a_dynamic_range_model_is_refused(
    models: Path, digits_npz: Path, as_bundle: Callable[[bytes], Bundle]
) -> None:
    """Dynamic-range dense layers are refused for a version that the runtime in fact lacks."""
    model = (models / "dynamic.tflite").read_bytes()
    failures = graph_failures(model)
    assert any("integer tensors" in failure for failure in failures)
    assert any("operator FULLY_CONNECTED" in failure for failure in failures)
    with pytest.raises(ModelError, match="Didn't find op for builtin opcode 'FULLY_CONNECTED'"):
        logits(as_bundle(model), "tflite-runtime", load_digits(digits_npz).x_test[:1])


@pytest.mark.parametrize(
    "content", [b"", b"no model at all", b"\0\0\0\0TFL3", b"\xff" * 4 + b"TFL3"]
)
def test_what_is_no_model_is_refused(tools: None, content: bytes) -> None:
    """Bytes that are no .tflite are refused as such."""
    with pytest.raises(GraphError, match=r"expected a (whole )?\.tflite"):
        read_graph(content)


def test_a_truncated_model_is_refused(converted: Path) -> None:
    """A .tflite cut off in its tables is refused as damaged."""
    model = converted.with_suffix(".tflite").read_bytes()
    failures = graph_failures(model[: len(model) // 8])
    assert len(failures) == 1
    assert failures[0].startswith("graph: expected a whole .tflite")
