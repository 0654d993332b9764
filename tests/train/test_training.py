"""A training ends the same however often it is killed, and leaves nothing half-written."""

import csv
import hashlib
import json
import random
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from digitcam.edge.reading.view import fingerprint
from digitcam.train.cli.train import build_parser
from digitcam.train.data import DATA_VARIABLE, DigitData
from digitcam.train.feed import FeedSettings
from digitcam.train.run import Recipe, RunFolder
from digitcam.train.training import _mean_answer

EPOCHS = 4
FLAGS = (
    *("--digits", "150", "--page-marks", "50", "--validation", "40"),
    *("--batch-size", "20", "--workers", "1"),
)
DIVERGING = "3000"
"""Weight decay that multiplies the weights by -8 a step at the highest learning rate: what ten
steps of warm-up leave finite overflows within the next ten."""
WORSENING = "1500"
"""Weight decay that makes every epoch many times worse than the one before, but finite."""

Call = Callable[..., Any]


def arguments(out: Path, data: Path, *more: str) -> list[str]:
    return ["--out", str(out), "--data", str(data), "--epochs", str(EPOCHS), *FLAGS, *more]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "digitcam.train.cli.train", *arguments]


def read_state(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((folder / "state.json").read_text())
    return state


def lasting(history: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    """Return a history without what depends on the machine's load."""
    return [{key: row[key] for key in row if key != "seconds"} for row in history]


def complaint(answer: Any) -> str:
    """Return the one line with which a training failed; progress may stand before it."""
    assert answer.failure is None
    assert answer.value == 1
    assert "Traceback" not in answer.err
    lines = [line for line in answer.err.splitlines() if line.startswith("digitcam-train: ")]
    assert len(lines) == 1
    assert answer.err.endswith(f"{lines[0]}\n")
    return lines[0]


def marks(folder: Path) -> dict[str, int]:
    """Return when each file was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


@dataclass(frozen=True)
class Trained:
    folder: Path
    out: str
    err: str


@dataclass(frozen=True)
class Interrupted:
    folder: Path
    snapshots: list[Path]
    """Copies of the folder after each kill."""


def kill_when(appears: str, folder: Path, data: Path) -> None:
    """Train until a file appears, under its final name or an earlier one, and kill -9 at once."""
    with (folder.parent / "output").open("w+") as output:
        program = subprocess.Popen(command(*arguments(folder, data)), stdout=output, stderr=output)
        try:
            while not any(folder.glob(f"*{appears}")):
                time.sleep(0.001)
                if program.poll() is not None:
                    output.seek(0)
                    pytest.fail(f"ended before {appears} was there: {output.read()}")
        finally:
            program.kill()
            program.wait()


@pytest.fixture(scope="session")
def runs(
    keras_call: Call, digits_npz: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Trained, Interrupted]:
    """Train twice at the same time, with interruptions and without."""
    whole, killed = (tmp_path_factory.mktemp("run") / name for name in ("whole", "killed"))
    program = subprocess.Popen(
        command(*arguments(whole, digits_npz)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    snapshots = []
    with program:
        for appears in ("checkpoint-0002.keras", "model.keras"):
            kill_when(appears, killed, digits_npz)
            snapshots.append(Path(shutil.copytree(killed, killed.parent / f"at-{appears}")))
        answer = keras_call("train", *arguments(killed, digits_npz))
        out, err = program.communicate()
    assert answer.value == 0, answer
    assert program.returncode == 0, err
    return Trained(whole, out, err), Interrupted(killed, snapshots)


@pytest.fixture(scope="session")
def trained(runs: tuple[Trained, Interrupted]) -> Trained:
    """A training that nothing interrupted."""
    return runs[0]


@pytest.fixture(scope="session")
def interrupted(runs: tuple[Trained, Interrupted]) -> Interrupted:
    """The same training, killed while it wrote the second epoch and again while it finished."""
    return runs[1]


@pytest.fixture
def unfinished(trained: Trained, tmp_path: Path) -> Path:
    """A copy of the run as a kill after its last epoch leaves it."""
    folder = tmp_path / "unfinished"
    shutil.copytree(trained.folder, folder)
    for name in ("metrics.json", "model.keras", "curves.png"):
        (folder / name).unlink()
    return folder


def test_run_holds_everything(trained: Trained) -> None:
    """A run leaves model, metrics, history, curves, recipe and state, and no other checkpoint."""
    state = read_state(trained.folder)
    assert set(marks(trained.folder)) == {
        *("model.keras", "metrics.json", "history.csv", "curves.png", "recipe.json", "state.json"),
        *("coverage.png", "calibration.npz"),
        *(state["checkpoint"], state["best"]),
    }
    assert state["checkpoint"] == f"checkpoint-{EPOCHS:04d}.keras"
    assert f"model {trained.folder / 'model.keras'}" in trained.out
    assert f"epoch {EPOCHS} of {EPOCHS}" in trained.err


def test_recipe_says_what_decides_the_result(trained: Trained, digits: DigitData) -> None:
    """recipe.json has settings, data digests, preprocessing, classes and library versions."""
    recipe = json.loads((trained.folder / "recipe.json").read_text())
    assert recipe["seed"] == Recipe().seed
    assert recipe["feed"]["digits"] == 150
    assert recipe["feed"]["augment"]["noise"] == FeedSettings().augment.noise
    assert recipe["data"] == digits.digests()
    assert recipe["preprocessing"] == fingerprint()
    assert recipe["classes"] == [*map(str, range(10)), "reject", "several"]
    assert recipe["versions"]["keras"] == version("keras")
    assert recipe["versions"]["tensorflow"] == version("tensorflow")


def test_history_is_a_row_an_epoch(trained: Trained) -> None:
    """history.csv has the rows of state.json, and training brought the loss down."""
    history = read_state(trained.folder)["history"]
    with (trained.folder / "history.csv").open(newline="") as file:
        rows = [{key: float(text) for key, text in row.items()} for row in csv.DictReader(file)]
    assert rows == history
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert history[-1]["loss"] < history[0]["loss"] / 2
    assert history[-1]["learning_rate"] == 0


def test_metrics_measure_the_model(trained: Trained, digits: DigitData) -> None:
    """metrics.json has the test set's confusion, and figures that fit each other."""
    metrics = json.loads((trained.folder / "metrics.json").read_text())
    confusion = np.array(metrics["test"]["confusion"])
    assert confusion.sum(axis=1).tolist() == np.bincount(digits.y_test).tolist()
    assert metrics["test_accuracy"] == pytest.approx(confusion.trace() / confusion.sum())
    assert f"test accuracy {metrics['test_accuracy']:.4f}" in trained.out
    assert metrics["epochs"] == metrics["chosen_epoch"] == EPOCHS
    assert 0.1 <= metrics["temperature"] <= 10
    assert 0 <= metrics["calibration_error"] <= 1


def test_curves_are_a_picture(trained: Trained) -> None:
    """curves.png is a PNG of more than one colour."""
    assert (trained.folder / "curves.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    picture = cv2.imread(str(trained.folder / "curves.png"))
    assert picture.shape[1] > 1000
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 10


def test_killed_training_ends_like_an_uninterrupted_one(
    trained: Trained, interrupted: Interrupted, keras_call: Call
) -> None:
    """After two kills history, metrics, weights and optimizer are the same to the last bit."""
    whole, killed = trained.folder, interrupted.folder
    assert set(marks(killed)) == set(marks(whole))
    assert lasting(read_state(killed)["history"]) == lasting(read_state(whole)["history"])
    assert (killed / "metrics.json").read_bytes() == (whole / "metrics.json").read_bytes()
    for name in ("model.keras", read_state(whole)["checkpoint"]):
        found, expected = (keras_call("contents", folder / name) for folder in (killed, whole))
        assert expected.failure is None
        assert found.value == expected.value
    with (killed / "history.csv").open(newline="") as file:
        assert [float(row["epoch"]) for row in csv.DictReader(file)] == [1, 2, 3, 4]


COMPILED = """
import sys
import numpy as np
from keras import Input, Model, layers
from digitcam.train.network import compile_model, load_model, seed_everything
from digitcam.train.run import Recipe

seed_everything(3, compiled=True)
image = Input((28, 28, 1))
x = layers.BatchNormalization()(layers.Conv2D(3, 5, strides=4)(image))
model = Model(image, layers.Conv2D(12, 6)(x))
compile_model(model, Recipe(epochs=2, batch_size=32), 64, taught=False, compiled=True)
rng = np.random.default_rng(0)
x, y = rng.random((64, 28, 28, 1), np.float32), rng.integers(12, size=(64, 1, 1))
for epoch in range(2):
    model.fit(x, y, batch_size=32, shuffle=False, verbose=0)
    if epoch == 0:
        model.save(sys.argv[1])
again = load_model(__import__("pathlib").Path(sys.argv[1]))
assert again.jit_compile and model.jit_compile
again.fit(x, y, batch_size=32, shuffle=False, verbose=0)
for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
    assert np.array_equal(one, other)
"""
"""Trains with compiled steps, once at a stretch and once from a checkpoint."""


def test_compiled_training_goes_on_to_the_same_bits(tensorflow: None, tmp_path: Path) -> None:
    """With the steps that long trainings have, a loaded network ends as one that never stopped."""
    script = [sys.executable, "-c", COMPILED, str(tmp_path / "model.keras")]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_killed_training_leaves_whole_files(interrupted: Interrupted, keras_call: Call) -> None:
    """After each kill what stands under a final name is whole, and the state names what is."""
    done = []
    for folder in interrupted.snapshots:
        assert not (folder / "metrics.json").exists()
        for path in folder.glob("[!.]*.keras"):
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None
        state = read_state(folder)
        for name in {state["checkpoint"], state["best"]}:
            assert keras_call("contents", folder / name).failure is None
        json.loads((folder / "recipe.json").read_text())
        done.append(len(state["history"]))
    assert done in ([1, 4], [2, 4])


WRITER = """
import sys
from pathlib import Path
from digitcam.train.run import RunFolder, State

folder = RunFolder(Path(sys.argv[1]), {"format": 1})
history = []
while True:
    name = f"checkpoint-{len(history):04d}.keras"
    folder.write(name, lambda path: path.write_bytes(name.encode() * 50_000))
    history.append({"epoch": len(history), "val_loss": -len(history)})
    folder.write_state(State(name, name, history))
    print(flush=True)
"""
"""A program that writes checkpoints as fast as it can."""


@pytest.mark.parametrize("seed", range(5))
def test_kill_at_any_moment_leaves_whole_files(tmp_path: Path, seed: int) -> None:
    """Killed at a random moment of writing, a run names a whole checkpoint and parses."""
    writer = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(writer, stdout=subprocess.PIPE) as program:
        assert program.stdout
        program.stdout.readline()
        time.sleep(random.Random(seed).uniform(0, 0.05))
        program.kill()
    state = RunFolder(tmp_path, {"format": 1}).state()
    assert state
    content = (tmp_path / state.checkpoint).read_bytes()
    assert content == state.checkpoint.encode() * 50_000
    with (tmp_path / "history.csv").open(newline="") as file:
        # The history is written first, so that it is never behind the state.
        assert len(list(csv.DictReader(file))) - len(state.history) in (0, 1)


def test_finished_run_says_so(trained: Trained, keras_call: Call, digits_npz: Path) -> None:
    """Called again, a finished run repeats its result, writes nothing and exits with 0."""
    before = marks(trained.folder)
    again = keras_call("train", *arguments(trained.folder, digits_npz))
    assert again.value == 0
    assert again.out == trained.out
    assert again.err.startswith(f"{trained.folder} is trained already; ")
    assert marks(trained.folder) == before


def test_other_recipe_is_refused(trained: Trained, keras_call: Call, digits_npz: Path) -> None:
    """A folder of another recipe is left alone, and the setting that differs is named."""
    before = marks(trained.folder)
    answer = keras_call("train", *arguments(trained.folder, digits_npz, "--seed", "2"))
    assert "begun with seed 1, asked for is 2; use the same settings or " in complaint(answer)
    assert marks(trained.folder) == before


def test_network_learns_from_a_teacher(
    trained: Trained, keras_call: Call, digits_npz: Path, tmp_path: Path
) -> None:
    """With a teacher the weights are others, the recipe names it, and two alike teach as one."""
    teacher = trained.folder / "model.keras"
    out = tmp_path / "taught"
    answer = keras_call("train", *arguments(out, digits_npz, "--teacher", str(teacher)))
    assert answer.value == 0, answer
    recipe = json.loads((out / "recipe.json").read_text())
    digest = hashlib.sha256(teacher.read_bytes()).hexdigest()
    assert recipe["teacher_sha256"] == f"sha256:{digest}"
    own = json.loads((trained.folder / "recipe.json").read_text())
    assert recipe == {**own, "teacher_sha256": recipe["teacher_sha256"]}
    rows = [read_state(folder)["history"][0] for folder in (out, trained.folder)]
    assert rows[0]["loss"] != rows[1]["loss"]
    refused = keras_call("train", *arguments(out, digits_npz))
    assert "use the same settings or another --out" in complaint(refused)
    both, twice = tmp_path / "both", ("--teacher", str(teacher)) * 2
    assert keras_call("train", *arguments(both, digits_npz, *twice)).value == 0
    assert read_state(both)["history"][0]["loss"] == pytest.approx(rows[0]["loss"])
    named = json.loads((both / "recipe.json").read_text())["teacher_sha256"]
    assert named == [f"sha256:{digest}"] * 2


class Sure:
    """A network that gives every image the same class, three times as likely as each other one."""

    output_shape = (None, 1, 1, 12)

    def __init__(self, which: int) -> None:
        self.logits = np.log(np.where(np.arange(12) == which, 3.0, 1.0)).astype(np.float32)

    def predict(self, images: Any, **_: Any) -> Any:
        """Return logits (N, 1, 1, 12)."""
        return np.tile(self.logits, (len(images), 1, 1, 1))


def test_teachers_answer_with_their_mean() -> None:
    """What is learnt is the mean of the teachers' probabilities, whatever the labels."""
    images, labels = np.zeros((5, 28, 28), np.uint8), np.arange(5, dtype=np.uint8)
    found = _mean_answer([Sure(7), Sure(9)], (images, labels))  # type: ignore[list-item]
    expected = np.full(12, 1 / 14)
    expected[[7, 9]] = 2 / 14
    assert found.shape == (5, 12)
    assert found == pytest.approx(np.broadcast_to(expected, found.shape), abs=1e-6)


@pytest.mark.parametrize("make", ["missing", "broken"])
def test_unusable_teacher_is_refused(
    make: str, keras_call: Call, digits_npz: Path, tmp_path: Path
) -> None:
    """A teacher that is no model ends in one line, before anything is written."""
    teacher = tmp_path / "model.keras"
    if make == "broken":
        teacher.write_bytes(b"no model")
    out = tmp_path / "run"
    answer = keras_call("train", *arguments(out, digits_npz, "--teacher", str(teacher)))
    assert "as --teacher" in complaint(answer)
    assert not out.exists()


def test_teacher_that_brings_code_is_refused(
    keras_call: Call, digits_npz: Path, tmp_path: Path
) -> None:
    """HDF5 and an archive with a Lambda layer are refused, and the layer's code does not run."""
    ran = tmp_path / "ran"
    for name, reason in (("a.h5", "must end with .keras"), ("a.keras", "cannot read it")):
        teacher, out = tmp_path / name, tmp_path / "run"
        assert keras_call("save_with_code", str(teacher), str(ran)).failure is None
        ran.unlink(missing_ok=True)  # Saving runs it.
        answer = keras_call("train", *arguments(out, digits_npz, "--teacher", str(teacher)))
        line = complaint(answer)
        assert reason in line.lower()
        assert "as --teacher" in line
        assert not ran.exists()
        assert not out.exists()


def test_other_data_is_refused(
    trained: Trained, keras_call: Call, digits: DigitData, tmp_path: Path
) -> None:
    """A run is not continued with other digits."""
    other = tmp_path / "other.npz"
    np.savez(other, **{**vars(digits), "x_train": digits.x_train[:, :, ::-1]})
    answer = keras_call("train", *arguments(trained.folder, other))
    assert 'begun with data {"x_train": ' in complaint(answer)


def test_other_library_versions_are_taken(
    unfinished: Path, keras_call: Call, digits_npz: Path
) -> None:
    """A run may be finished with newer libraries: what it was begun with stays in its recipe."""
    recipe = json.loads((unfinished / "recipe.json").read_text())
    recipe["versions"]["keras"] = "3.0.0"
    (unfinished / "recipe.json").write_text(json.dumps(recipe))
    assert keras_call("train", *arguments(unfinished, digits_npz)).value == 0
    assert json.loads((unfinished / "recipe.json").read_text()) == recipe


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def bits_flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 4, len(content) // 2, 1000):
        content[place] ^= 0xFF
    path.write_bytes(content)


def nested(path: Path) -> None:
    path.write_text("[" * 100_000)


def content(**values: object) -> Callable[[Path], object]:
    return lambda path: path.write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("name", "damage", "reason"),
    [
        ("recipe.json", truncated, "expected a JSON file of a run"),
        ("state.json", truncated, "expected a JSON file of a run"),
        ("state.json", lambda path: path.write_text("[]"), "expected a JSON object, found list"),
        ("state.json", content(epoch=3), "expected checkpoint, best and history"),
        ("state.json", content(checkpoint="a", best="a", history=[]), "expected checkpoint, best"),
        (
            "state.json",
            content(checkpoint=1, best="a", history=[{"val_loss": 1}]),
            "expected check",
        ),
        ("state.json", content(checkpoint="a", best="a", history=[{"val_loss": "b"}]), "expected"),
        (
            "state.json",
            content(checkpoint="../a.keras", best="../a.keras", history=[{"val_loss": 1}]),
            "expected checkpoint, best and history, cannot use it: "
            "ValueError(\"a checkpoint is called such as checkpoint-0007.keras, found '../a.keras'",
        ),
        ("state.json", nested, "expected a JSON file of a run"),
        ("checkpoint-0004.keras", Path.unlink, "missing, though state.json names it"),
        ("checkpoint-0004.keras", truncated, "expected a Keras model, cannot read it"),
        ("checkpoint-0004.keras", bits_flipped, "expected a Keras model, cannot read it"),
    ],
)
def test_damaged_run_is_refused(
    unfinished: Path,
    keras_call: Call,
    digits_npz: Path,
    name: str,
    damage: Callable[[Path], object],
    reason: str,
) -> None:
    """A damaged state or checkpoint gets one line that names the file and what it should be."""
    damage(unfinished / name)
    line = complaint(keras_call("train", *arguments(unfinished, digits_npz)))
    assert line.startswith(f"digitcam-train: {unfinished / name}: {reason}")
    assert " anew in another " in line
    assert not (unfinished / "metrics.json").exists()


def test_full_disk_is_reported(unfinished: Path, keras_call: Call, digits_npz: Path) -> None:
    """Where a file cannot be written whole it is not there, and the run can be finished later."""
    answer = keras_call("train_without_room", *arguments(unfinished, digits_npz))
    assert "File too large" in complaint(answer)
    assert not (unfinished / "model.keras").exists()
    assert keras_call("train", *arguments(unfinished, digits_npz)).value == 0


def test_training_stops_early(keras_call: Call, digits_npz: Path, tmp_path: Path) -> None:
    """With a loss that only grows one epoch of patience ends it, and the best epoch is kept."""
    flags = ("--patience", "1", "--weight-decay", WORSENING)
    answer = keras_call("train", *arguments(tmp_path / "run", digits_npz, *flags))
    assert answer.value == 0
    assert "stopping: no better validation loss in 1 epochs" in answer.err
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert (metrics["epochs"], metrics["chosen_epoch"]) == (2, 1)


def test_diverging_training_fails(keras_call: Call, digits_npz: Path, tmp_path: Path) -> None:
    """A loss that is no number any more ends in one line, and the epochs before it are kept."""
    folder = tmp_path / "run"
    answer = keras_call("train", *arguments(folder, digits_npz, "--weight-decay", DIVERGING))
    line = complaint(answer)
    state = read_state(folder)
    assert f"epoch {len(state['history']) + 1}: the loss is nan" in line
    assert f"the checkpoint before is kept in {folder}; train with a lower --learning" in line
    assert np.isfinite([row["val_loss"] for row in state["history"]]).all()
    assert keras_call("contents", folder / state["checkpoint"]).failure is None
    assert not (folder / "metrics.json").exists()


@pytest.mark.parametrize("name", ["file", "file/run"])
def test_unusable_folder_is_refused(
    keras_call: Call, digits_npz: Path, tmp_path: Path, name: str
) -> None:
    """A run folder that cannot be made is refused with the reason."""
    (tmp_path / "file").touch()
    line = complaint(keras_call("train", *arguments(tmp_path / name, digits_npz)))
    assert f"{tmp_path / name}: cannot be used as a run folder: " in line
    assert line.endswith("; choose another --out")


def test_too_much_validation_is_refused(keras_call: Call, digits_npz: Path, tmp_path: Path) -> None:
    """Holding all digits back is refused before there is a run folder that would remember it."""
    flags = ("--validation", "240")
    line = complaint(keras_call("train", *arguments(tmp_path / "run", digits_npz, *flags)))
    assert "validation must be from 1 to less than the 240 training digits, found 240" in line
    assert not (tmp_path / "run").exists()


def test_no_data_and_no_network_is_one_line(keras_call: Call, tmp_path: Path) -> None:
    """Without data and without a network the command says so and what to do."""
    line = complaint(keras_call("train", "--out", tmp_path / "run"))
    assert f"no data: {DATA_VARIABLE} is not set and https://" in line
    assert line.endswith("give the path of mnist.npz with --data")


def test_help_shows_the_recipe() -> None:
    """--help gives the real default of every setting."""
    shown = " ".join(build_parser().format_help().split())
    recipe = Recipe()
    for name in ("digits", "mnist_digits", "page_marks", "paper_marks"):
        assert f"(default: {getattr(recipe.feed, name)})" in shown
    for setting in fields(Recipe):
        if setting.name not in ("feed", "without"):
            assert f"(default: {getattr(recipe, setting.name)})" in shown


def test_largest_seed_is_taken(tmp_path: Path) -> None:
    """The ends of the range of seeds are within it."""
    for seed in (0, 2**32 - 1):
        assert build_parser().parse_args(["--out", "run", "--seed", str(seed)]).seed == seed
