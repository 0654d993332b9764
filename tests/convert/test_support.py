"""The table of operators, asked of the runtime itself."""

import json
import pickle
import subprocess
import sys

from digitcam.convert.graph import Graph, Operator
from digitcam.convert.support import MAX_VERSIONS, unsupported_operators

LOAD_ALL = """
import json, pickle, sys
from tflite_runtime.interpreter import Interpreter

def loads(model):
    try:
        Interpreter(model_content=model)
    except ValueError as error:
        assert "Didn't find op" in str(error), error
        return False
    return True

print(json.dumps([loads(model) for model in pickle.load(sys.stdin.buffer)]))
"""


def of_operator(name: str, version: int) -> bytes:
    """Build a .tflite that computes nothing and declares one operator."""
    import flatbuffers  # type: ignore[import-untyped]
    from ai_edge_litert import schema_py_generated as schema

    number = getattr(schema.BuiltinOperator, name)
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode = number, min(number, 127)
    code.version = version
    tensor = schema.TensorT()
    tensor.shape, tensor.type, tensor.buffer, tensor.name = [1], schema.TensorType.INT8, 0, b"x"
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = [tensor], [0], [0], []
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def graph_of(*operators: Operator) -> Graph:
    return Graph(tensors=(), operators=operators, inputs=(), outputs=())


def test_the_table_is_what_tflite_runtime_finds(tools: None) -> None:
    """tflite-runtime 2.14 loads each operator at its highest version and refuses the next."""
    names = sorted(MAX_VERSIONS)
    models = [of_operator(n, MAX_VERSIONS[n] + more) for n in names for more in (0, 1)]
    command = [sys.executable, "-c", LOAD_ALL]
    done = subprocess.run(command, input=pickle.dumps(models), stdout=subprocess.PIPE, check=True)
    loads = json.loads(done.stdout)
    assert dict(zip(names, loads[::2], strict=True)) == dict.fromkeys(names, True)
    assert dict(zip(names, loads[1::2], strict=True)) == dict.fromkeys(names, False)


def test_too_new_a_version_is_refused() -> None:
    """An operator beyond its highest version is named with both versions."""
    failures = unsupported_operators(
        graph_of(Operator("CONV_2D", 3), Operator("FULLY_CONNECTED", 12))
    )
    assert len(failures) == 1
    assert "FULLY_CONNECTED: expected version 10 or lower" in failures[0]
    assert "found version 12" in failures[0]


def test_an_unknown_operator_is_refused() -> None:
    """An operator that is not in the table is refused, custom ones too."""
    failures = unsupported_operators(
        graph_of(Operator("STABLEHLO_ADD", 1), Operator("custom Mine", 1))
    )
    assert ["STABLEHLO_ADD" in failures[0], "custom Mine" in failures[1]] == [True, True]
