"""The network in its runtimes: batches, quantization, probabilities, and models that do not fit.

The tiny models are made by build_models.py.
"""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.edge.bundle import DIGIT_CLASSES, Bundle, load_bundle
from digitcam.edge.classify import MAX_BATCH, MODULES, Classifier, find_interpreter
from digitcam.edge.errors import ModelError, RuntimeUnavailableError
from digitcam.edge.settings import Runtime
from digitcam.train.handwriting import draw_digit

TINY = Path(__file__).parent.parent / "data" / "models"
COUNTS = (0, 1, 2, 3, 4, 5, MAX_BATCH - 1, MAX_BATCH, MAX_BATCH + 1, 2 * MAX_BATCH + 2)


def tiny(name: str) -> Bundle:
    """Return one of the tiny models as a bundle whose hash is right."""
    model = (TINY / f"{name}.tflite").read_bytes()
    digest = hashlib.sha256(model).hexdigest()
    bundle = load_bundle()
    changes = {"model": model, "name": f"{name}.tflite", "sha256": digest}
    return replace(bundle, **changes, classes=DIGIT_CLASSES, golden=None)


def images(count: int, seed: int = 1) -> NDArray[np.uint8]:
    """Draw digits in black frames, with some grey in them."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros((count, 28, 28), np.uint8)
    for image in drawn:
        digit = draw_digit(int(rng.integers(10)), rng, 18)[:, :18]
        image[5:23, 5 : 5 + digit.shape[1]] = digit
    return drawn


# --- what it computes ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shipped", "whole"])
def test_a_batch_is_its_images(runtime: Runtime, name: str) -> None:
    """In whatever company an image comes, and after whatever batch, its logits are the same."""
    bundle = load_bundle() if name == "shipped" else tiny(name)
    classifier, classes = Classifier(bundle, runtime), len(bundle.classes)
    many = images(max(COUNTS))
    alone = np.concatenate([classifier.logits(image[None]) for image in many])
    for count in (*COUNTS, *reversed(COUNTS)):
        logits = classifier.logits(many[:count])
        assert (logits.shape, logits.dtype) == ((count, classes), np.int8)
        assert np.array_equal(logits, alone[:count])


def test_the_shipped_model_tells_digits_apart(runtime: Runtime) -> None:
    """Different digits give different classes, so that the other tests compare something."""
    logits = Classifier(load_bundle(), runtime).logits(images(65))
    assert len(set(logits[:, :10].argmax(axis=1))) == 10


@pytest.mark.parametrize("name", ["shipped", "whole"])
def test_the_input_is_quantized_as_the_file_says(runtime: Runtime, name: str) -> None:
    """Every grey level becomes round(level / 255 / scale) + zero point, clipped to int8."""
    bundle = load_bundle() if name == "shipped" else tiny(name)
    interpreter = find_interpreter(runtime)[1](model_content=bundle.model)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = source["quantization"]
    image = np.resize(np.arange(256, dtype=np.uint8), (28, 28))
    exact = np.array([[round(int(level) / 255 / scale) for level in row] for row in image])
    values = np.clip(exact + zero_point, -128, 127).astype(np.int8)
    interpreter.set_tensor(source["index"], values[None, ..., None])
    interpreter.invoke()
    expected = interpreter.get_tensor(target["index"]).reshape(1, -1)
    assert np.array_equal(Classifier(bundle, runtime).logits(image[None]), expected)


def test_levels_beyond_the_range_are_clipped(runtime: Runtime) -> None:
    """Where the file's range ends before white, brighter pixels are its brightest, not black."""
    classifier = Classifier(tiny("whole"), runtime)
    white, nearly = (np.full((1, 28, 28), level, np.uint8) for level in (255, 200))
    black = np.zeros((1, 28, 28), np.uint8)
    assert np.array_equal(classifier.logits(white), classifier.logits(nearly))
    assert not np.array_equal(classifier.logits(white), classifier.logits(black))


@pytest.mark.parametrize("count", [0, 1, 7])
def test_probabilities_sum_to_one(runtime: Runtime, count: int) -> None:
    """Each row is a distribution over the classes, to float32's precision."""
    probabilities = Classifier(load_bundle(), runtime).probabilities(images(count))
    assert (probabilities.shape, probabilities.dtype) == (
        (count, len(load_bundle().classes)),
        np.float32,
    )
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert np.abs(probabilities.sum(axis=1) - 1).max(initial=0) <= 1e-6


def test_probabilities_are_the_softmax_of_the_logits(runtime: Runtime) -> None:
    """Logits are dequantized, divided by the temperature and exponentiated."""
    bundle = load_bundle()
    classifier = Classifier(bundle, runtime)
    interpreter = find_interpreter(runtime)[1](model_content=bundle.model)
    scale, zero_point = interpreter.get_output_details()[0]["quantization"]
    logits = (classifier.logits(images(9)).astype(np.float64) - zero_point) * scale
    powers = np.exp(logits / bundle.temperature)
    expected = powers / powers.sum(axis=1, keepdims=True)
    assert np.abs(classifier.probabilities(images(9)) - expected).max() <= 1e-5


def test_a_higher_temperature_is_less_certain(runtime: Runtime) -> None:
    """Temperature changes how certain the model is and not what it reads."""
    cool, warm = (
        Classifier(replace(load_bundle(), temperature=t), runtime).probabilities(images(9))
        for t in (1.0, 4.0)
    )
    assert np.array_equal(cool.argmax(axis=1), warm.argmax(axis=1))
    assert (warm.max(axis=1) <= cool.max(axis=1)).all()
    assert warm.max() < cool.max()


def test_threads_change_nothing(runtime: Runtime) -> None:
    """Two processors compute the same int8 logits as one."""
    one, two = (Classifier(load_bundle(), runtime, threads) for threads in (1, 2))
    assert np.array_equal(one.logits(images(9)), two.logits(images(9)))


# --- models that do not fit ------------------------------------------------------------------


def refusal(bundle: Bundle, runtime: Runtime, count: int = 1) -> str:
    """Return the one line that a model is refused with."""
    with pytest.raises(ModelError) as caught:
        Classifier(bundle, runtime).logits(images(count))
    message = str(caught.value)
    assert message.startswith(f"{bundle.name}: ")
    assert message.endswith("; export it again with digitcam-convert")
    assert "\n" not in message
    return message.removeprefix(f"{bundle.name}: ")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("float", "input must be int8 (1, 28, 28, 1), found float32 (1, 28, 28, 1);"),
        ("flat", "input must be int8 (1, 28, 28, 1), found int8 (1, 784);"),
        ("two_inputs", "expected one input and one output, found 2 and 1;"),
        ("two_outputs", "expected one input and one output, found 1 and 2;"),
        ("three_classes", "output must be 10 int8 logits, one a class of the sidecar, found int8 "),
    ],
)
def test_a_model_of_another_form(runtime: Runtime, name: str, message: str) -> None:
    """Number, type and shape of inputs and outputs are checked, and told."""
    assert refusal(tiny(name), runtime).startswith(message)


@pytest.mark.parametrize("name", ["newer_operators", "unknown_operator"])
def test_operators_that_the_runtime_lacks(runtime: Runtime, name: str) -> None:
    """A model with an operator of another time or place is refused, by the runtime's own reason."""
    assert refusal(tiny(name), runtime).startswith(f"{runtime} cannot run it: ")


def test_a_model_for_one_image_at_a_time(runtime: Runtime) -> None:
    """A model whose graph is laid out for one image is refused before it reads anything."""
    assert refusal(tiny("one_at_a_time"), runtime).startswith(
        f"{runtime} cannot run it on 4 images at once: "
    )


@pytest.mark.parametrize("content", [b"", b"TFL3", b"no model at all", bytes(2000)])
def test_what_is_no_model(runtime: Runtime, content: bytes) -> None:
    """Bytes whose hash is right and that are no model are refused, not crashed on."""
    bundle = replace(load_bundle(), model=content, name="odd.tflite")
    assert refusal(bundle, runtime).startswith(f"{runtime} cannot run it: ")


# --- choice of the runtime -------------------------------------------------------------------


def test_the_runtime_asked_for_is_used(runtime: Runtime) -> None:
    """A named runtime is the one that runs, and the interpreter comes from its package."""
    assert Classifier(load_bundle(), runtime).runtime == runtime
    assert find_interpreter(runtime)[1].__module__.startswith(MODULES[runtime].partition(".")[0])


def test_auto_is_one_that_is_installed() -> None:
    """Without a choice the first that can be used runs."""
    name, _ = find_interpreter("auto")
    usable = []
    for candidate in ("litert", "tflite-runtime"):
        try:
            usable.append(find_interpreter(candidate)[0])  # type: ignore[arg-type]
        except RuntimeUnavailableError:
            continue
    assert name == usable[0]


def said(preparation: str, runtime: str = "auto") -> str:
    """Ask for a runtime in a process that was prepared, and return what the process printed."""
    code = (
        f"import sys, types, numpy\n{preparation}\n"
        "from digitcam.edge.classify import find_interpreter\n"
        "from digitcam.edge.errors import RuntimeUnavailableError\n"
        "try:\n"
        f"    print(find_interpreter({runtime!r})[0])\n"
        "except RuntimeUnavailableError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return done.stdout.strip()


WITHOUT = "sys.modules[{!r}] = None"
"""Makes an import fail as it does where the package is not installed."""
NEITHER = "\n".join(WITHOUT.format(name) for name in ("ai_edge_litert", "tflite_runtime"))
STUB = (
    "for name in ('tflite_runtime', 'tflite_runtime.interpreter'):\n"
    "    sys.modules[name] = types.ModuleType(name)\n"
    "sys.modules['tflite_runtime.interpreter'].Interpreter = object"
)


def test_without_any_runtime() -> None:
    """Where none is installed, one line says how to install each."""
    message = said(NEITHER)
    assert message.startswith("no usable TFLite runtime (")
    assert "pip install 'digitcam[litert]'" in message
    assert "pip install 'tflite-runtime==2.14.*' 'numpy<2' (Python 3.11 or older)" in message


@pytest.mark.parametrize(
    ("runtime", "other"), [("litert", "tflite-runtime"), ("tflite-runtime", "digitcam[litert]")]
)
def test_without_the_runtime_asked_for(runtime: str, other: str) -> None:
    """Who asked for one is told how to install that one."""
    message = said(NEITHER, runtime)
    assert message.startswith(f"no usable TFLite runtime ({runtime}: ")
    assert "pip install" in message
    assert other not in message


def test_tflite_runtime_beside_numpy_2() -> None:
    """It imports and then fails to build anything, so that it is refused before."""
    message = said(f"{WITHOUT.format('ai_edge_litert')}\n{STUB}\nnumpy.__version__ = '2.1.0'")
    assert "tflite-runtime: needs numpy below 2, found 2.1.0; " in message
    assert "'numpy<2'" in message


def test_auto_goes_on_to_the_next_runtime() -> None:
    """Where the faster is missing, the other is used."""
    preparation = f"{WITHOUT.format('ai_edge_litert')}\n{STUB}\nnumpy.__version__ = '1.26.4'"
    assert said(preparation) == "tflite-runtime"
