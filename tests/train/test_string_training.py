"""The training of the reader of strings ends alike however often it is killed."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitcam.edge.bundle import STRING_CLASSES
from digitcam.edge.reading.word_image import HEIGHT_PX, MAX_WIDTH_PX, word_fingerprint
from digitcam.train.cli.evaluate import main as evaluate
from digitcam.train.cli.strings import KINDS, SETTINGS, main
from digitcam.train.data import DigitData
from digitcam.train.errors import RunError
from digitcam.train.finished import load_finished
from digitcam.train.paper import part_of
from digitcam.train.strings.recipe import StringRecipe

EPOCHS = 2
AMOUNTS = ("--written", "80", "--pages", "20", "--photographed", "30", "--nothing", "10")
FLAGS = (
    *("--validation", "40", "--batch-size", "20", "--workers", "1"),
    *("--epochs", str(EPOCHS), "--width", "0.25"),
)
DIVERGING = "100000"
"""Weight decay that multiplies the weights by -300 a step: seven steps leave them finite, fourteen
do not."""

Call = Callable[..., Any]


def arguments(out: Path, data: Path, *more: object) -> list[str]:
    return ["--out", str(out), "--data", str(data), *FLAGS, *AMOUNTS, *map(str, more)]


def read(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / name).read_text())
    return content


def lasting(folder: Path) -> list[dict[str, float]]:
    """Return a run's history without what depends on the machine's load."""
    history = read(folder, "state.json")["history"]
    return [{key: row[key] for key in row if key != "seconds"} for row in history]


def complaint(answer: Any) -> str:
    """Return the one line with which a training failed; progress may stand before it."""
    assert answer.failure is None
    assert answer.value == 1
    assert "Traceback" not in answer.err
    line: str = answer.err.splitlines()[-1]
    assert line.startswith("digitcam-train-strings: ")
    return line


def marks(folder: Path) -> dict[str, int]:
    """Return when each file was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def start(flags: list[str], output: Path) -> subprocess.Popen[bytes]:
    """Call the command in a process of its own."""
    command = [sys.executable, "-m", "digitcam.train.cli.strings", *flags]
    with output.open("wb") as file:
        return subprocess.Popen(command, stdout=file, stderr=file)


def kill_when(appears: str, folder: Path, program: subprocess.Popen[bytes]) -> None:
    """Wait until a file appears, under its final name or an earlier one, and kill -9 at once."""
    try:
        while not any(folder.glob(f"*{appears}")):
            time.sleep(0.001)
            assert program.poll() is None, f"ended before {appears} was there"
    finally:
        program.kill()
        program.wait()


@dataclass(frozen=True)
class Runs:
    """Trainings that went on side by side, because most of the time is TensorFlow's start."""

    whole: Path
    """With photographs, and never interrupted."""
    killed: Path
    """The same, killed while it wrote its second epoch, and called again."""
    done_before: int
    """Epochs that were done when it was killed."""
    out: str
    """What it said when it was called again."""
    diverged: Path
    """Without photographs, and with a loss that is no number in the end."""
    said: str
    """What that said, and its status."""


@pytest.fixture(scope="module")
def runs(
    keras_call: Call, digits_npz: Path, numbers: Path, tmp_path_factory: pytest.TempPathFactory
) -> Runs:
    """Train with an interruption, without, and with too large a weight decay."""
    folder = tmp_path_factory.mktemp("strings")
    whole, killed, diverged = (folder / name for name in ("whole", "killed", "diverged"))
    flags = {
        whole: arguments(whole, digits_npz, "--photographs", numbers),
        killed: arguments(killed, digits_npz, "--photographs", numbers),
        diverged: arguments(diverged, digits_npz, "--weight-decay", DIVERGING),
    }
    outputs = {path: folder / f"{path.name}.txt" for path in flags}
    programs = {path: start(flags[path], outputs[path]) for path in flags}
    try:
        kill_when("checkpoint-0002.keras", killed, programs[killed])
        done = len(read(killed, "state.json")["history"])
        answer = keras_call("train_strings", *flags[killed])
        assert answer.value == 0, answer
        assert programs[whole].wait() == 0, outputs[whole].read_text()
        status = programs[diverged].wait()
    finally:
        for program in programs.values():
            program.kill()
    said = f"{outputs[diverged].read_text()}status {status}"
    return Runs(whole, killed, done, answer.out, diverged, said)


def test_run_holds_everything(runs: Runs, digits: DigitData) -> None:
    """A run leaves model, metrics, history, calibration, and a recipe of what decides it."""
    state, recipe = read(runs.whole, "state.json"), read(runs.whole, "recipe.json")
    assert set(marks(runs.whole)) == {
        *("model.keras", "metrics.json", "history.csv", "calibration.npz"),
        *("recipe.json", "state.json", state["checkpoint"], state["best"]),
    }
    assert f"model {runs.killed / 'model.keras'}" in runs.out
    assert recipe["kind"] == "strings"
    assert recipe["classes"] == list(STRING_CLASSES)
    assert recipe["preprocessing"] == word_fingerprint()
    assert recipe["feed"]["photographed"] == 30
    assert (recipe["batch_size"], recipe["width"], recipe["validation"]) == (20, 0.25, 40)
    assert 9 <= recipe["data"]["photographs"] <= 12
    assert recipe["data"].items() >= digits.digests().items()


def test_it_learns_and_is_measured(runs: Runs) -> None:
    """The loss falls, the rate falls to 0, and what is held back is measured."""
    first, last = lasting(runs.whole)
    assert last["loss"] < first["loss"]
    assert last["learning_rate"] == 0
    metrics = read(runs.whole, "metrics.json")
    assert metrics["epochs"] == EPOCHS
    assert metrics["held_strings"] == 80 + 20 + 30 + 10
    assert metrics["written_strings"] == 80
    assert 3 <= metrics["plain_photographs_strings"] <= 4
    assert "unipen_strings_strings" not in metrics
    assert metrics["held_exact"] == last["held_exact"]
    assert 0.3 <= metrics["temperature"] <= 10
    assert 0 <= metrics["calibration_error"] <= 1
    with np.load(runs.whole / "calibration.npz") as content:
        assert content["images"].shape == (140, HEIGHT_PX, MAX_WIDTH_PX)
        assert content["images"].dtype == np.uint8


def test_killed_training_ends_like_an_uninterrupted_one(runs: Runs, keras_call: Call) -> None:
    """History, metrics and weights are the same but for the rounding of sums."""
    assert runs.done_before in (1, 2)
    assert set(marks(runs.killed)) == set(marks(runs.whole))
    for row, expected in zip(lasting(runs.killed), lasting(runs.whole), strict=True):
        assert row == pytest.approx(expected, rel=1e-4)
    found, expected = (read(each, "metrics.json") for each in (runs.killed, runs.whole))
    assert found == pytest.approx(expected, rel=1e-3)
    content = [np.load(folder / "calibration.npz") for folder in (runs.whole, runs.killed)]
    assert all(np.array_equal(content[0][name], content[1][name]) for name in content[0])


def test_finished_run_says_so(
    runs: Runs, keras_call: Call, digits_npz: Path, numbers: Path
) -> None:
    """Called again, a finished run repeats its result and writes nothing."""
    before = marks(runs.killed)
    again = keras_call(
        "train_strings", *arguments(runs.killed, digits_npz, "--photographs", numbers)
    )
    assert (again.value, again.out) == (0, runs.out)
    assert again.err.startswith(f"{runs.killed} is trained already; ")
    assert marks(runs.killed) == before


def test_another_training_is_refused(
    runs: Runs, keras_call: Call, digits_npz: Path, numbers: Path, tmp_path: Path
) -> None:
    """A folder of other settings, other photographs, or another kind of run is left alone."""
    before = marks(runs.whole)

    def refused(folder: Path, *more: object) -> str:
        return complaint(keras_call("train_strings", *arguments(folder, digits_npz, *more)))

    photographs = ("--photographs", numbers)
    assert "begun with seed 1, asked for is 2; " in refused(runs.whole, *photographs, "--seed", 2)
    assert 'begun with data {"' in refused(runs.whole)
    assert marks(runs.whole) == before
    (tmp_path / "recipe.json").write_text(json.dumps({"format": 1, "architecture": "flagship"}))
    assert 'begun with kind null, asked for is "strings"; ' in refused(tmp_path, *photographs)


def test_diverging_training_keeps_its_checkpoint(runs: Runs, keras_call: Call) -> None:
    """A loss that is no number any more ends in one line, and the epoch before it is kept."""
    line, status = runs.said.splitlines()[-2:]
    state = read(runs.diverged, "state.json")
    assert len(state["history"]) == 1
    assert line.startswith("digitcam-train-strings: epoch 2: the loss is nan; the checkpoint ")
    assert line.endswith(
        f"kept in {runs.diverged}; train with a lower --learning-rate in another --out"
    )
    assert status == "status 1"
    assert keras_call("contents", runs.diverged / state["checkpoint"]).failure is None
    assert not (runs.diverged / "metrics.json").exists()


def test_without_photographs_words_are_written(runs: Runs) -> None:
    """A recipe tells that no word is a photograph's, and there were epochs all the same."""
    assert read(runs.diverged, "recipe.json")["data"]["photographs"] == 0
    assert np.isfinite(lasting(runs.diverged)[0]["loss"])


@pytest.mark.usefixtures("tensorflow")
@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--validation", "240"], "validation must be from 1 to less than the 240 training digits"),
        (
            ["--written", "0", "--pages", "0", "--nothing", "19"],
            "one batch of 20 words, found 19; ",
        ),
        (["--written", "0", "--pages", "0", "--nothing", "0"], "ask for more with --written or "),
        (["--photographs", "nowhere"], "nowhere: expected a folder of handwriting"),
        (["--without", "nobody"], "--without must be one of "),
        (["--data", "nowhere.npz"], "nowhere.npz: expected mnist.npz"),
    ],
)
def test_impossible_trainings_leave_no_folder(
    digits_npz: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    reason: str,
) -> None:
    """What cannot be trained is one line, before there is a run folder that would remember it."""
    assert main(arguments(tmp_path / "run", digits_npz, *flags)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("digitcam-train-strings: ")
    assert reason in line
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("tensorflow")
def test_photographs_without_numbers_are_refused(
    digits_npz: Path, numbers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder of which nothing is left to train on is refused in one line."""
    folder = tmp_path / "photographs"
    shutil.copytree(numbers, folder)
    truth = read(folder / "amounts", "truth.json")
    few = {name: truth[name] for name in truth if part_of(f"amounts/{name}") != "training"}
    (folder / "amounts" / "truth.json").write_text(json.dumps(few))
    flags = ("--photographs", folder)
    assert main(arguments(tmp_path / "run", digits_npz, *flags)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(folder) in line
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("tensorflow")
@pytest.mark.parametrize("library", ["keras", "tensorflow", "scipy"])
def test_missing_library_names_the_extra(
    library: str,
    digits_npz: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a library of the extra there is one line, before any training, that names it."""
    monkeypatch.setitem(sys.modules, library, None)  # type: ignore[arg-type]
    assert main(arguments(tmp_path / "run", digits_npz)) == 1
    line = capsys.readouterr().err.strip()
    assert line.startswith("digitcam-train-strings: training needs ")
    assert line.endswith(f"{library}; pip install 'digitcam[train]'")


def test_help_shows_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    """--help gives the real default of every setting."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    recipe = StringRecipe()
    for holder, names in ((recipe, (*SETTINGS, "seed")), (recipe.feed, KINDS)):
        for name in names:
            flag = f"--{name.replace('_', '-')} "
            text = shown[shown.rindex(flag) :]
            assert text[text.index("(default: ") :].startswith(
                f"(default: {getattr(holder, name)})"
            )


@pytest.mark.parametrize(
    ("flag", "text", "expected"),
    [
        ("--epochs", "0", "a whole number from 1, found '0'"),
        ("--validation", "0", "a whole number from 1, found '0'"),
        ("--batch-size", "1.5", "a whole number from 1, found '1.5'"),
        ("--learning-rate", "nan", "a number from 0, found 'nan'"),
        ("--width", "-1", "a number from 0, found '-1'"),
        ("--photographed", "-1", "a whole number from 0, found '-1'"),
        ("--workers", "0", "a whole number from 1, found '0'"),
        ("--seed", str(2**32), "a whole number from 0 to 4294967295, found '4294967296'"),
    ],
)
def test_impossible_values_are_usage_errors(
    capsys: pytest.CaptureFixture[str], flag: str, text: str, expected: str
) -> None:
    """A value that makes no sense is status 2 and a line with the flag and what it takes."""
    with pytest.raises(SystemExit) as ended:
        main(["--out", "run", flag, text])
    assert ended.value.code == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"digitcam-train-strings: error: argument {flag}: ")
    assert line.endswith(expected)


def test_other_commands_say_what_it_is(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a network for single digits is expected, the line says that this reads strings."""
    with pytest.raises(RunError, match="found one of a reader of strings; give it to digitcam-con"):
        load_finished(runs.whole)
    assert evaluate([str(runs.whole), "--out", str(tmp_path / "page")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"digitcam-evaluate: {runs.whole / 'recipe.json'}: expected the training"
    )
    assert not (tmp_path / "page").exists()


def test_workers_need_no_tensorflow() -> None:
    """What the workers import loads neither Keras nor TensorFlow, so they start fast."""
    check = (
        "import sys, digitcam.train.strings.source; "
        "sys.exit(bool({'keras', 'tensorflow', 'scipy'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
