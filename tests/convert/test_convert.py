"""The command line, from a training run to a bundle and back through the checks."""

import json
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitcam.convert import runtimes
from digitcam.convert.agreement import STEP, SUMMED_STEPS
from digitcam.convert.card import build_card
from digitcam.convert.checks import allowed_steps
from digitcam.convert.cli import main
from digitcam.convert.errors import RunFolderError
from digitcam.convert.graph import read_graph
from digitcam.convert.network import quantize
from digitcam.edge.bundle import load_bundle
from digitcam.edge.golden import golden_images, images_digest
from digitcam.train.augment import plain_images
from digitcam.train.data import load_digits

MakeRun = Callable[..., Path]
MAX_GAP = 7.5
"""Points that the published networks may lose."""


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def refused(capsys: pytest.CaptureFixture[str], *arguments: object, traceback: bool = False) -> str:
    """Run the command line, which has to fail without a traceback; return what it says."""
    assert main([str(argument) for argument in arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err


def test_a_run_becomes_a_bundle(converted: Path) -> None:
    """Conversion writes three files, figures to stdout, and talk without chatter to stderr."""
    assert sorted(path.name for path in converted.parent.iterdir()) == [
        "tiny.json",
        "tiny.md",
        "tiny.tflite",
    ]
    lines = (converted.parent.parent / "stdout").read_text().splitlines()
    figures = json.loads(converted.with_suffix(".json").read_text())["figures"]
    assert lines == [f"{name}: {value}" for name, value in figures.items()]
    talk = (converted.parent.parent / "stderr").read_text().splitlines()
    assert [line.split()[0] for line in talk] == ["quantizing", "checking", "wrote"]


def test_the_sidecar_tells_all(converted: Path, digits_npz: Path) -> None:
    """The sidecar holds the contract's keys, the recipe, the versions and true figures."""
    bundle = load_bundle(converted)
    sidecar = bundle.sidecar
    assert bundle.temperature == 1.25
    assert bundle.min_confidence == 0.5
    assert sidecar["input"] == {"shape": [28, 28, 1], "dtype": "int8"}
    assert sidecar["training"]["architecture"] == "tiny"
    assert sidecar["training"]["data"] == load_digits(digits_npz).digests()
    assert sidecar["training"]["metrics"] == {
        "temperature": 1.25,
        "test_accuracy": 1.0,
        "epochs": 12,
    }
    assert {"tensorflow", "keras", "tflite-runtime", "ai-edge-litert", "numpy"} <= set(
        sidecar["conversion"]["versions"]
    )
    assert sidecar["conversion"]["calibration"] == {
        "samples": 501,
        "from_run": 0,
        "seed": 2018,
    }
    figures = sidecar["figures"]
    assert figures["bytes"] == len(bundle.model)
    assert figures["golden_images"] == 1000
    assert figures["golden_max_step"] <= 1
    assert figures["mnist_test_accuracy_float"] == figures["mnist_test_accuracy_int8"] > 0.95


def test_both_runtimes_give_the_golden_logits(converted_rejecting: Path) -> None:
    """A new bundle has golden vectors of its own; allows off by one int8 step, not two."""
    bundle = load_bundle(converted_rejecting)
    assert bundle.golden is not None
    assert bundle.golden.images == images_digest()
    for runtime in runtimes.DISTRIBUTIONS:
        logits = runtimes.logits(bundle, runtime, golden_images())
        assert bundle.golden.steps(logits) <= 1


def test_other_golden_logits_fail_the_check(
    bundle_copy: Path, digits_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--check notices golden logits that no runtime gives; without any it has nothing to say."""

    def invert(sidecar: dict[str, Any]) -> None:
        logits = sidecar["golden"]["logits"]
        sidecar["golden"]["logits"] = [
            bytes(255 - b for b in bytes.fromhex(r)).hex() for r in logits
        ]

    edit(bundle_copy.with_suffix(".json"), invert)
    said = refused(capsys, "--check", bundle_copy, "--data", digits_npz)
    assert "2 checks failed" in said
    assert "golden: logits of litert must be those of the sidecar within 1 step" in said
    edit(bundle_copy.with_suffix(".json"), lambda sidecar: sidecar.pop("golden"))
    assert main(["--check", str(bundle_copy), "--data", str(digits_npz)]) == 0


def test_the_card_names_the_figures(converted: Path) -> None:
    """The card tells the accuracy, the size, the hash and the command that checks it."""
    card, bundle = converted.with_suffix(".md").read_text(), load_bundle(converted)
    assert f"{bundle.sidecar['figures']['mnist_test_accuracy_int8']:.2%}" in card
    assert f"{len(bundle.model):,} bytes" in card
    assert bundle.sha256 in card
    assert "digitcam-convert --check tiny" in card
    assert "unknown" not in card
    assert "a letter or a blot gets the digit it resembles most" in card
    assert "paper" not in card
    assert "answered" not in card


def test_a_class_for_no_digit_is_carried_over(converted_rejecting: Path) -> None:
    """Eleven logits agree on both runtimes; threshold and calibration images are the run's."""
    bundle = load_bundle(converted_rejecting)
    assert bundle.classes[10:] == ("reject",)
    assert bundle.min_confidence == 0.62
    assert bundle.sidecar["conversion"]["calibration"]["samples"] == 541
    assert bundle.sidecar["conversion"]["calibration"]["from_run"] == 40
    assert bundle.sidecar["figures"]["golden_images"] == 1000
    assert bundle.sidecar["figures"]["golden_max_step"] <= 1


def test_accuracy_is_among_the_ten_digits(
    converted_rejecting: Path, digits_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network that rejects everything still has its digits compared, by --check too."""
    images = plain_images(load_digits(digits_npz).x_test[:50])
    logits = runtimes.logits(load_bundle(converted_rejecting), "tflite-runtime", images)
    assert set(logits.argmax(axis=1).tolist()) == {10}
    figures = load_bundle(converted_rejecting).sidecar["figures"]
    assert figures["mnist_test_accuracy_float"] > 0.95
    assert figures["mnist_test_accuracy_int8"] > 0.95
    assert main(["--check", str(converted_rejecting), "--data", str(digits_npz)]) == 0
    accuracy = f"mnist_test_accuracy_int8: {figures['mnist_test_accuracy_int8']}"
    assert accuracy in capsys.readouterr().out.splitlines()


def test_the_card_tells_of_the_class_for_no_digit(converted_rejecting: Path) -> None:
    """The card tells what is rejected and answered, from which threshold, and of the paper."""
    card = converted_rejecting.with_suffix(".md").read_text()
    assert "11 int8 logits out" in card
    assert "what is no digit has a class of its own, `reject`" in card
    assert "MNIST's training set and of a drawn hand, 1,234 marks photographed on paper and" in card
    assert "likeliest of the ten digits" in card
    assert "541 calibration images (seed 2018), 40 of them the run's own" in card
    assert "| least confidence of an answer | 0.62 |" in card
    assert "| held-back digits answered at this confidence, float | 93.12% |" in card
    assert "| wrong among the answers to all held-back marks, float | 0.87% |" in card


def test_sums_may_differ_by_more_steps(converted: Path) -> None:
    """Plain convolutions may differ by one step, and three where maps are added, as shipped."""
    assert allowed_steps(load_bundle(converted).model) == STEP
    shipped = load_bundle(Path("digits"))
    assert allowed_steps(shipped.model) == SUMMED_STEPS
    assert shipped.sidecar["figures"]["golden_step_limit"] == SUMMED_STEPS


@pytest.mark.parametrize("teacher", [None, "sha256:1", ["sha256:1", "sha256:2"]])
def test_the_card_tells_of_teachers(converted: Path, teacher: object) -> None:
    """Who learnt from other networks' answers says so, and no other."""
    sidecar = json.loads(converted.with_suffix(".json").read_text())
    sidecar["training"]["teacher_sha256"] = teacher
    card = build_card("tiny", sidecar)
    assert ("as networks that were trained before read them" in card) == bool(teacher)


@pytest.mark.parametrize("runtime", ["tflite-runtime", "litert"])
@pytest.mark.parametrize("name", ["converted", "converted_published", "converted_recurrent"])
def test_a_batch_reads_as_its_digits_do(
    name: str, digits_npz: Path, runtime: runtimes.Name, request: pytest.FixtureRequest
) -> None:
    """Seven or four digits at once give the very logits that they give one by one."""
    images = plain_images(load_digits(digits_npz).x_test[:7])
    bundle = load_bundle(request.getfixturevalue(name))
    together = runtimes.logits(bundle, runtime, images)
    assert together.shape == (7, 10)
    assert np.array_equal(together[:4], runtimes.logits(bundle, runtime, images[:4]))
    assert np.array_equal(together[:1], runtimes.logits(bundle, runtime, images[:1]))


@pytest.mark.parametrize("name", ["converted_published", "converted_recurrent"])
def test_published_networks_read_as_they_did(name: str, request: pytest.FixtureRequest) -> None:
    """Dense, normalizing and recurrent layers lose little in int8, and the runtimes agree.

    Allows 2 of 200 different digits to be read otherwise, and logits to differ between the runtimes
    as two quantizations do.
    """
    figures = load_bundle(request.getfixturevalue(name)).sidecar["figures"]
    exact = figures["mnist_test_accuracy_float"]
    assert exact > 0.9
    assert figures["mnist_test_accuracy_int8"] == pytest.approx(exact, abs=0.01)
    assert figures["mnist_test_accuracy_int8_litert"] == pytest.approx(exact, abs=0.01)
    assert figures["golden_max_step"] <= figures["golden_step_limit"]


def test_a_published_network_is_integer_alone(converted_published: Path) -> None:
    """Normalization is one operator, and dense layers and batch normalization are convolutions."""
    graph = read_graph(converted_published.with_suffix(".tflite").read_bytes())
    assert {operator.name for operator in graph.operators} == {
        "CONV_2D",
        "L2_NORMALIZATION",
        "MAX_POOL_2D",
        "TRANSPOSE",
    }
    assert {tensor.kind for tensor in graph.tensors} == {"int8", "int32"}


def test_an_allowed_gap_is_kept(
    converted_published: Path, digits_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--max-gap is in the sidecar and the card, and --check allows as much, and no more."""
    shutil.copytree(converted_published.parent, tmp_path / "copy")
    copy = tmp_path / "copy" / converted_published.name
    assert load_bundle(copy).sidecar["conversion"]["max_gap_points"] == MAX_GAP
    assert f"| {MAX_GAP} points |" in copy.with_suffix(".md").read_text()

    def move(sidecar: dict[str, Any]) -> None:
        sidecar["figures"]["mnist_test_accuracy_float"] -= 0.05

    edit(copy.with_suffix(".json"), move)
    assert main(["--check", str(copy), "--data", str(digits_npz)]) == 0
    capsys.readouterr()
    edit(copy.with_suffix(".json"), move)
    said = refused(capsys, "--check", copy, "--data", digits_npz)
    assert f"int8 on litert must be within {MAX_GAP} points of float" in said


def test_impossible_limits_fail_the_check(
    bundle_copy: Path, digits_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sidecar that allows more than everything is refused."""
    edit(
        bundle_copy.with_suffix(".json"),
        lambda sidecar: sidecar["conversion"].update(max_gap_points=101),
    )
    said = refused(capsys, "--check", bundle_copy, "--data", digits_npz)
    assert "expected max_gap_points from 0 to 100" in said
    assert "found 101" in said


def test_the_card_tells_how_a_published_network_was_trained(converted_published: Path) -> None:
    """The card of a network trained on MNIST as it is tells of no distortion and no scene."""
    card = " ".join(converted_published.with_suffix(".md").read_text().split())
    assert (
        "with adam on the digits of MNIST's training set as they are, turned by up to 10 degrees, "
        "not through the preprocessing that the device runs" in card
    )
    assert "scenes" not in card
    assert "| MNIST test set as it is, float | 100.00% |" in card
    assert "MNIST test set as the device crops it, the likeliest of the ten digits, float" in card
    assert "which this network never saw" in card


def test_a_bundle_passes_its_check(
    converted: Path, digits_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--check takes the name of any of the files and measures what conversion measured."""
    assert main(["--check", f"{converted}.json", "--data", str(digits_npz)]) == 0
    assert capsys.readouterr().out == (converted.parent.parent / "stdout").read_text()


def test_a_damaged_model_fails_its_check(
    bundle_copy: Path, digits_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One flipped bit in the .tflite is noticed by its hash."""
    tflite = bundle_copy.with_suffix(".tflite")
    content = bytearray(tflite.read_bytes())
    content[-100] ^= 1
    tflite.write_bytes(content)
    assert "sha256 must be" in refused(capsys, "--check", bundle_copy, "--data", digits_npz)


def test_a_damaged_hash_fails_its_check(
    bundle_copy: Path, digits_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sidecar with another hash is refused."""
    edit(bundle_copy.with_suffix(".json"), lambda sidecar: sidecar.update(sha256="0" * 64))
    assert "sha256 must be" in refused(capsys, "--check", bundle_copy, "--data", digits_npz)


def test_embellished_figures_fail_the_check(
    bundle_copy: Path, digits_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figures that the model does not reach are each refused, all in one go."""

    def embellish(sidecar: dict[str, Any]) -> None:
        sidecar["figures"] |= {"mnist_test_accuracy_int8": 0.5, "bytes": 1}
        sidecar["training"]["data"] = {}

    edit(bundle_copy.with_suffix(".json"), embellish)
    said = refused(capsys, "--check", bundle_copy, "--data", digits_npz)
    assert "3 checks failed" in said
    assert "bytes must be" in said
    assert "mnist_test_accuracy_int8 must be" in said
    assert "data: expected the test digits" in said


def test_missing_figures_fail_the_check(
    bundle_copy: Path, digits_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sidecar that does not tell the float accuracy cannot be checked, and says so."""
    edit(bundle_copy.with_suffix(".json"), lambda sidecar: sidecar.pop("figures"))
    said = refused(capsys, "--check", bundle_copy, "--data", digits_npz)
    assert "expected figures with mnist_test_accuracy_float" in said


def test_a_network_that_int8_cannot_carry_is_refused(conversions: Path) -> None:
    """Where int8 reads far less than float, all accuracies are told and nothing is written."""
    here = conversions / "hostile"
    assert (here / "status").read_text() == "1"
    said = (here / "stderr").read_text()
    assert "nothing written, 2 checks failed" in said
    for runtime in runtimes.DISTRIBUTIONS:
        assert f"accuracy: int8 on {runtime} must be within 0.05 points of float (90.00%)" in said
    assert (here / "stdout").read_text() == ""
    assert list((here / "bundle").iterdir()) == []


def test_another_network_is_refused(conversions: Path) -> None:
    """Three outputs for ten classes are refused, with the traceback where --debug asks for it."""
    here = conversions / "three"
    assert (here / "status").read_text() == "1"
    said = (here / "stderr").read_text()
    expected = "output must be (None, 1, 1, 10) or (None, 10), found (None, 1, 1, 3)"
    assert f"RunFolderError: {here / 'run/model.keras'}: {expected}" in said
    assert "Traceback" in said
    assert list((here / "bundle").iterdir()) == []


def test_a_missing_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that is not there is one line on stderr."""
    said = refused(capsys, tmp_path / "nowhere", "--out", tmp_path / "x")
    assert said.count("\n") == 1
    assert "expected the folder of a training, found nothing" in said


def test_missing_data_is_refused(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Data that is not there is one line on stderr."""
    said = refused(capsys, make_run(), "--out", tmp_path / "x", "--data", tmp_path / "nowhere.npz")
    assert said.count("\n") == 1
    assert "nowhere.npz: expected mnist.npz" in said


def test_a_newer_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where tflite-runtime has no wheel, the check says on which Python it can be done."""
    if sys.version_info < (3, 12):
        monkeypatch.setattr(runtimes, "LAST_PYTHON", (3, 10))
    said = runtimes.missing_runtimes()[0]
    assert "conversion is verified on Python 3.11" in said
    assert f"found Python {platform.python_version()}" in said


def test_numpy_2_is_refused(tools: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside numpy 2, with which tflite-runtime breaks, the check says what is wrong."""
    (tmp_path / "sitecustomize.py").write_text("import numpy\nnumpy.__version__ = '2.1.0'\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    assert "needs numpy below 2, found 2.1.0" in runtimes.missing_runtimes()[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sequences", "found .*LSTM.*: LSTM must return its last output alone"),
        ("soft", "convolutions of equal logits, found .*Softmax and logits off by"),
    ],
)
def test_layers_that_cannot_be_rebuilt_are_refused(models: Path, name: str, said: str) -> None:
    """A network whose layers, or logits, would be others as convolutions is refused."""
    images = np.random.default_rng(3).integers(0, 256, (2, 28, 28)).astype(np.uint8)
    with pytest.raises(RunFolderError, match=said):
        quantize(models / f"{name}.keras", 10, images, images)


@pytest.mark.parametrize("points", ["-0.1", "nan", "101", "many"])
def test_an_impossible_gap_is_2(points: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A gap that is no part of a hundred points is wrong usage."""
    with pytest.raises(SystemExit) as stop:
        main(["run", "--out", "x", f"--max-gap={points}"])
    assert stop.value.code == 2
    assert "--max-gap" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--check", "x", "--max-gap", "1"],
        [],
        ["run"],
        ["--out", "x"],
        ["run", "--check", "x"],
        ["run", "--out", "x", "--check", "x"],
    ],
)
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Arguments that do not go together are wrong usage."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "expected RUN and --out" in capsys.readouterr().err or "--check" in arguments


def test_a_folder_is_no_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--out with a folder instead of a name in it is wrong usage."""
    with pytest.raises(SystemExit) as stop:
        main(["run", "--out", str(tmp_path)])
    assert stop.value.code == 2
    assert f"{tmp_path}/digits" in capsys.readouterr().err


def test_a_kill_amid_conversion_leaves_no_bundle(
    make_run: MakeRun, digits_npz: Path, tmp_path: Path
) -> None:
    """Killed with -9 in its work, the converter has put nothing under a final name."""
    command = [
        *(sys.executable, "-m", "digitcam.convert.cli", str(make_run())),
        *("--out", str(tmp_path / "out" / "x"), "--data", str(digits_npz)),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as converter:
        assert converter.stderr is not None
        assert converter.stderr.readline().startswith("quantizing")
        time.sleep(0.5)
        converter.kill()
    assert converter.returncode == -signal.SIGKILL
    assert list((tmp_path / "out").iterdir()) == []
