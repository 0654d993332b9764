"""A training of the reader of strings becomes a bundle that both runtimes read alike."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitcam.convert import runtimes
from digitcam.convert.cli import main
from digitcam.convert.strings import TEST, StringFigures, is_string_bundle, is_string_run
from digitcam.convert.strings import _gaps as gaps_of
from digitcam.edge.bundle import STRING_CLASSES, load_bundle
from digitcam.edge.reading.word_image import word_fingerprint
from digitcam.train.data import load_digits
from digitcam.train.run import read_json

SAMPLE = Path(__file__).parents[2] / "docs" / "sample.png"
TRAINING = (
    *("--epochs", "1", "--width", "0.25", "--validation", "200", "--batch-size", "20"),
    *("--written", "300", "--pages", "20", "--nothing", "20", "--workers", "1"),
)
REBUILD = """
import sys
import keras

model = keras.models.load_model(sys.argv[1], compile=False)
keras.Model(model.input, model.layers[-3].output).save(sys.argv[3])
layer = model.get_layer("logits")
kernel, bias = layer.get_weights()
bias[:] = 0
bias[0] = -15
bias[1] = 1
bias[-1] = -30_000
layer.set_weights([0 * kernel, bias])
model.save(sys.argv[2])
"""
"""Makes a network that reads in float a 0 everywhere; in int8 the least of its logits, far below,
swallows the differences of the others, the blank's among them. And one without logits."""
Said = dict[str, tuple[int, str, str]]
"""Status, stdout and stderr of a call by its run's name."""


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run digitcam-convert, which has to fail without a traceback; return what it says."""
    assert main([str(argument) for argument in arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err


def start(module: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def string_run(tools: None, digits_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short training."""
    folder = tmp_path_factory.mktemp("strings") / "run"
    training = start("digitcam.train.cli.strings", "--out", folder, "--data", digits_npz, *TRAINING)
    _, err = training.communicate()
    assert training.returncode == 0, err
    return folder


@pytest.fixture(scope="module")
def conversions(string_run: Path, digits_npz: Path) -> Said:
    """What the command says of the run and of two copies with other networks, side by side."""
    runs = [string_run, *(string_run.parent / name for name in ("hostile", "other"))]
    for copy in runs[1:]:
        shutil.copytree(string_run, copy)
    subprocess.run(
        [sys.executable, "-c", REBUILD, *(run / "model.keras" for run in runs)], check=True
    )
    started = {
        run.name: start(
            *("digitcam.convert.cli", run, "--data", digits_npz, "--max-gap", "0.5"),
            *("--out", run.parent / f"of-{run.name}" / "tiny"),
        )
        for run in runs
    }
    said = {name: program.communicate() for name, program in started.items()}
    return {name: (started[name].returncode, *said[name]) for name in started}


@pytest.fixture(scope="module")
def bundle(string_run: Path, conversions: Said) -> Path:
    """The bundle of the run."""
    assert conversions["run"][0] == 0, conversions["run"]
    return string_run.parent / "of-run" / "tiny"


@pytest.fixture
def bundle_copy(bundle: Path, tmp_path: Path) -> Path:
    """A copy of the bundle, free to be damaged."""
    shutil.copytree(bundle.parent, tmp_path / "copy")
    return tmp_path / "copy" / bundle.name


@pytest.fixture
def run_copy(string_run: Path, tmp_path: Path) -> Path:
    """A copy of the run, free to be damaged."""
    return Path(shutil.copytree(string_run, tmp_path / "run"))


def test_a_run_becomes_a_bundle(bundle: Path, conversions: Said, digits_npz: Path) -> None:
    """The sidecar holds classes, shape, preprocessing, recipe, versions, and what was measured."""
    assert sorted(path.suffix for path in bundle.parent.iterdir()) == [".json", ".md", ".tflite"]
    loaded = load_bundle(bundle)
    sidecar, figures = loaded.sidecar, loaded.sidecar["figures"]
    assert loaded.classes == STRING_CLASSES
    assert sidecar["input"] == {"shape": [32, 128, 1], "dtype": "int8"}
    assert sidecar["preprocessing"] == word_fingerprint()
    assert sidecar["training"]["kind"] == "strings"
    assert sidecar["training"]["data"].items() >= load_digits(digits_npz).digests().items()
    assert loaded.temperature == sidecar["training"]["metrics"]["temperature"]
    assert {"tensorflow", "keras", "tflite-runtime", "ai-edge-litert", "numpy"} <= set(
        sidecar["conversion"]["versions"]
    )
    assert sidecar["conversion"]["max_gap_points"] == 0.5
    assert figures["strings"] == TEST
    assert figures["bytes"] == len(loaded.model)
    assert figures["exact_int8"] == pytest.approx(figures["exact_float"], abs=0.005)
    assert figures["exact_litert"] == pytest.approx(figures["exact_float"], abs=0.005)
    assert figures["max_step"] <= figures["step_limit"]
    _, out, err = conversions["run"]
    assert out.splitlines() == [f"{name}: {value}" for name, value in figures.items()]
    assert [line.split()[0] for line in err.splitlines()] == ["quantizing", "checking", "wrote"]


def test_the_card_names_the_figures(bundle: Path) -> None:
    """The card tells what was read, the size, the hash, and that there were no photographs."""
    card = " ".join(bundle.with_suffix(".md").read_text().split())
    loaded = load_bundle(bundle)
    assert f"{loaded.sidecar['figures']['exact_int8']:.2%}" in card
    assert f"{len(loaded.model):,} bytes" in card
    assert loaded.sha256 in card
    assert "digitcam-convert --check tiny" in card
    assert "numbers of no photographs" in card
    assert "None" not in card


@pytest.mark.parametrize("runtime", ["tflite-runtime", "litert"])
def test_strings_read_alike_in_any_company(bundle: Path, runtime: runtimes.Name) -> None:
    """A string of any width gives the very logits alone that it gives among others."""
    rng = np.random.default_rng(4)
    widths = [11, 32, 33, 100, 128, 256, 100]
    images = [rng.integers(0, 256, (32, width)).astype(np.uint8) for width in widths]
    loaded = load_bundle(bundle)
    together = runtimes.string_logits(loaded, runtime, images)
    assert [len(steps) for steps in together] == [8, 8, 16, 32, 32, 64, 32]
    for image, steps in zip(images[3:6], together[3:6], strict=True):
        (alone,) = runtimes.string_logits(loaded, runtime, [image])
        assert np.array_equal(alone, steps)


def test_a_network_that_int8_cannot_carry_is_refused(conversions: Said, string_run: Path) -> None:
    """Where int8 reads other strings than float does, both runtimes are named, nothing written."""
    status, out, err = conversions["hostile"]
    assert (status, out) == (1, "")
    assert "nothing written, " in err
    for runtime in runtimes.DISTRIBUTIONS:
        assert f"read exactly by int8 on {runtime} must be within 0.5 points of float" in err
    assert "--max-gap" in err
    assert list((string_run.parent / "of-hostile").iterdir()) == []


def test_int8_that_reads_others_than_float_is_told() -> None:
    """Both runtimes are named where int8 reads more or less exactly than allowed."""
    figures = StringFigures(1000, 1200, 0.9, 0.893, 0.908, 1, 6)
    assert gaps_of(figures, 1) == []
    lines = gaps_of(figures, 0.5)
    assert len(lines) == 2
    for runtime, found, line in zip(
        runtimes.DISTRIBUTIONS, ("89.30%, -0.70", "90.80%, +0.80"), lines, strict=True
    ):
        assert f"by int8 on {runtime} must be within 0.5 points of float (90.00%)" in line
        assert f"found {found} points" in line
        assert "--max-gap" in line


def test_a_bundle_passes_its_check(
    bundle: Path,
    conversions: Said,
    digits_npz: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """--check takes the name of any of the files and measures what conversion measured."""
    assert main(["--check", f"{bundle}.tflite", "--data", str(digits_npz)]) == 0
    assert capsys.readouterr().out == conversions["run"][1]


def test_embellished_figures_fail_the_check(
    bundle_copy: Path, digits_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figures that the model does not reach, and other digits, are each refused, all in one go."""

    def embellish(sidecar: dict[str, Any]) -> None:
        sidecar["figures"] |= {"exact_float": 0.9, "exact_int8": 0.9, "bytes": 1}
        sidecar["training"]["data"]["x_test"] = "0" * 64

    edit(bundle_copy.with_suffix(".json"), embellish)
    said = refused(capsys, "--check", bundle_copy, "--data", digits_npz)
    assert "5 checks failed" in said
    assert "data: expected the test digits" in said
    assert "figures: bytes must be" in said
    assert "figures: exact_int8 must be" in said
    for runtime in runtimes.DISTRIBUTIONS:
        assert f"by int8 on {runtime} must be within 0.5 points of float (90.00%)" in said


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda sidecar: sidecar.pop("figures"), "KeyError('figures')"),
        (lambda sidecar: sidecar["figures"].pop("strings"), "missing 1 required"),
        (
            lambda sidecar: sidecar["figures"].update(exact_float="all"),
            "exact_float cannot be 'all",
        ),
        (lambda sidecar: sidecar["figures"].update(exact_int8=1.5), "exact_int8 cannot be 1.5"),
        (lambda sidecar: sidecar["conversion"].update(max_gap_points=101), "found 101"),
    ],
)
def test_unusable_figures_fail_the_check(
    bundle_copy: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], object],
    reason: str,
) -> None:
    """A sidecar whose figures make no sense cannot be checked, and says so before the work."""
    edit(bundle_copy.with_suffix(".json"), change)
    said = refused(capsys, "--check", bundle_copy, "--data", "nowhere")
    assert "1 check failed, the others need it: " in said
    assert "expected the figures of a reader of strings" in said
    assert reason in said


def test_a_damaged_model_fails_its_check(
    bundle_copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One flipped bit in the .tflite is noticed by its hash."""
    tflite = bundle_copy.with_suffix(".tflite")
    content = bytearray(tflite.read_bytes())
    content[-100] ^= 1
    tflite.write_bytes(content)
    assert not is_string_bundle(bundle_copy)
    assert "sha256 must be" in refused(capsys, "--check", bundle_copy)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def recipe(**values: object) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "recipe.json", lambda content: content.update(values))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda run: (run / "metrics.json").unlink(), "a finished training, missing metrics.json"),
        (lambda run: (run / "model.keras").unlink(), "missing model.keras; finish it with digit"),
        (lambda run: flip(run / "model.keras"), "model.keras: expected a whole Keras model"),
        (lambda run: (run / "calibration.npz").write_bytes(b""), "images to calibrate with"),
        (
            lambda run: np.savez(run / "calibration.npz", images=np.zeros((9, 28, 28), np.uint8)),
            "images must be at least two of 32 x 128 px or wider, uint8, found (9, 28, 28)",
        ),
        (recipe(preprocessing="sha256:0"), "preprocessing must be sha256:"),
        (recipe(format=0), "format must be 1, found 0; train again with digitcam-train-strings"),
        (recipe(data={}), "was trained on other data than is given"),
        (
            lambda run: edit(run / "metrics.json", lambda found: found.update(temperature=None)),
            "temperature must be a number, found None",
        ),
    ],
)
def test_a_damaged_run_is_refused(
    run_copy: Path,
    digits_npz: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], object],
    reason: str,
) -> None:
    """What is missing, damaged or of another version is one line, and nothing is written."""
    damage(run_copy)
    out = run_copy.parent / "out" / "tiny"
    said = refused(capsys, run_copy, "--out", out, "--data", digits_npz)
    assert said.count("\n") == 1
    assert reason in said
    assert not out.parent.exists()


def test_another_network_is_refused(conversions: Said, string_run: Path) -> None:
    """A network that gives no logits of steps is refused in one line, and nothing is written."""
    status, out, err = conversions["other"]
    assert (status, out) == (1, "")
    assert "expected a reader of strings of this version, found: No such layer: logits" in err
    assert list((string_run.parent / "of-other").iterdir()) == []


def test_runs_are_told_apart(string_run: Path, tmp_path: Path) -> None:
    """The recipe says what a run is; a folder without one is none of this kind."""
    assert is_string_run(string_run)
    assert not is_string_run(tmp_path)
    (tmp_path / "recipe.json").write_text(json.dumps({"format": 1}))
    assert not is_string_run(tmp_path)
    assert read_json(string_run / "recipe.json")["kind"] == "strings"


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("digitcam.edge.cli.predict", [str(SAMPLE), "--model", "BUNDLE"]),
        ("digitcam.train.cli.evaluate", ["BUNDLE", "--out", "page"]),
    ],
)
def test_it_is_not_taken_for_single_digits(
    bundle: Path, tmp_path: Path, module: str, arguments: list[str]
) -> None:
    """As the model of single digits it is refused in one line that says what it is."""
    program = f"import sys; from {module} import main; sys.exit(main(sys.argv[1:]))"
    given = [str(bundle) if each == "BUNDLE" else each for each in arguments]
    done = subprocess.run(
        [sys.executable, "-c", program, *given],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "tiny.tflite: expected a network for single digits, found a reader of strings" in line
