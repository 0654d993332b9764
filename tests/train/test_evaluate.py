"""The page about a network: its numbers are right, and it opens with no network."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.edge.bundle import DEFAULT_BUNDLE, DIGIT_CLASSES, load_bundle
from digitcam.edge.classify import Classifier
from digitcam.train.augment import plain_images
from digitcam.train.cli.evaluate import main
from digitcam.train.data import DATA_VARIABLE, DigitData
from digitcam.train.paper import CLASSES, REJECT, SEVERAL, PaperData
from digitcam.train.subject import Subject

from .browser import open_page
from .test_explore import little_room

Call = Callable[..., Any]

PAGE, NUMBERS = "report.html", "metrics.json"
ERRORS = 3
OVERALL = ("In short", "What was evaluated")
OF_EACH = ("classes", "confusion", "reliability", "coverage", "wrong digits", "what it looks at")
MISSED = "missed digits"
FIGURES = {
    *("count", "digits", "accuracy", "digit_accuracy", "cross_entropy", "min_confidence"),
    *("decisions", "coverage", "error", "coverage_curve", "calibration_error", "reliability"),
    *("classes", "macro", "confusion", "errors"),
}


@pytest.fixture(scope="module")
def reporting() -> None:
    """Skip without the libraries that measure and draw."""
    for name in ("matplotlib", "jinja2", "sklearn"):
        pytest.importorskip(name, reason=f"needs {name}: pip install 'digitcam[train]'")


def arguments(subject: Path | str, out: Path, data: Path, *more: str) -> list[str]:
    """A call that shows little."""
    return [str(subject), "--out", str(out), "--data", str(data), "--errors", str(ERRORS), *more]


@pytest.fixture(scope="module")
def of_bundle(reporting: None, digits_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that digitcam-evaluate writes of the shipped bundle and drawn digits."""
    out = tmp_path_factory.mktemp("reports") / "deep" / "bundle"
    assert main(arguments("digits", out, digits_npz)) == 0
    return out


@pytest.fixture(scope="module")
def run(keras_call: Call, digits_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training of digitcam's own smallest network."""
    return trained(
        *(keras_call, digits_npz, tmp_path_factory.mktemp("runs") / "tiny", "--arch", "tiny"),
        *("--digits", "150", "--page-marks", "50", "--workers", "1", "--epochs", "2"),
    )


@pytest.fixture(scope="module")
def published(keras_call: Call, digits_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training of a published network without convolutions."""
    out = tmp_path_factory.mktemp("runs") / "recurrent"
    return trained(keras_call, digits_npz, out, "--arch", "teresa2024-rnn", "--epochs", "1")


def trained(keras_call: Call, data: Path, out: Path, *more: str) -> Path:
    common = ("--data", data, "--validation", "40", "--batch-size", "20")
    answer = keras_call("train", "--out", out, *common, *more)
    assert answer.value == 0, answer
    return out


@pytest.fixture(scope="module")
def of_run(
    reporting: None, keras_call: Call, run: Path, digits_npz: Path, tmp_path_factory: Any
) -> Path:
    """The folder that digitcam-evaluate writes of a training."""
    return evaluated(keras_call, run, digits_npz, tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="module")
def of_published(
    reporting: None, keras_call: Call, published: Path, digits_npz: Path, tmp_path_factory: Any
) -> Path:
    """The same of a published network, whose folder has lost its history."""
    folder = broken(published, tmp_path_factory.mktemp("runs") / "a", "state.json", Path.unlink)
    return evaluated(keras_call, folder, digits_npz, tmp_path_factory.mktemp("reports"))


def evaluated(keras_call: Call, run: Path, data: Path, out: Path) -> Path:
    answer = keras_call("evaluate", *arguments(run, out, data))
    assert answer.value == 0, answer
    return out


def numbers_of(folder: Path) -> dict[str, Any]:
    """Read the numbers, which are strict JSON."""
    text = (folder / NUMBERS).read_text()
    numbers: dict[str, Any] = json.loads(text, parse_constant=pytest.fail)
    return numbers


def titles(page: str) -> list[str]:
    return re.findall(r"<h2[^>]*>([^<]+)</h2>", page)


def only_line(text: str) -> str:
    """Return the one complaint of a command."""
    (line,) = (line for line in text.splitlines() if line.startswith("digitcam-evaluate: "))
    assert "Traceback" not in text
    return line.removeprefix("digitcam-evaluate: ")


# What was read of marks that are known.


def saying(*said: tuple[int, float], classes: tuple[str, ...] = CLASSES) -> Subject:
    """A network that says, of the image whose first pixel is i, the i-th class and probability."""

    def probabilities(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = np.zeros((len(images), len(CLASSES)), np.float32)
        for row, image in zip(found, images, strict=True):
            best, probability = said[image[0, 0]]
            row[: len(classes)] = (1 - probability) / (len(classes) - 1)
            row[best] = probability
        return found

    return Subject(
        name="said",
        kind="bundle",
        classes=classes,
        temperature=1.0,
        min_confidence=0.8,
        recipe={},
        facts={},
        probabilities=probabilities,
        grad_cam=None,
        grad_cam_about="",
    )


def numbered(count: int) -> NDArray[np.uint8]:
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0] = np.arange(count)
    return images


SAID = (
    (3, 0.9),  # 3: right
    (4, 0.6),  # 4: right, but not sure
    (5, 0.7),  # 8: wrong, not sure
    (7, 0.95),  # no digit: wrong
    (REJECT, 0.9),  # 6: missed
    (REJECT, 0.9),  # no digit: right
    (1, 0.85),  # 7: wrong
    (SEVERAL, 0.5),  # no digit: harmless
)
TRUE = (3, 4, 8, REJECT, 6, REJECT, 7, REJECT)


@pytest.mark.filterwarnings("error")
def test_marks_are_counted(reporting: None) -> None:
    """Accuracies, decisions, coverage and errors of eight marks are those counted by hand."""
    from digitcam.train.reports.results import Examination, examine

    labels = np.array(TRUE, np.uint8)
    result = examine(saying(*SAID), Examination("marks", "Marks", numbered(8), labels))
    figures = result.figures
    assert set(figures) == FIGURES
    assert (figures["count"], figures["digits"]) == (8, 5)
    assert figures["accuracy"] == pytest.approx(3 / 8)
    # Of 6, all ten digits are equally improbable, so that it is read as the first, 0.
    assert figures["digit_accuracy"] == pytest.approx(2 / 5)
    assert figures["decisions"] == {
        "digits": {"right": 1, "wrong": 1, "unsure": 2, "no_digit": 1},
        "others": {"right": 0, "wrong": 1, "unsure": 0, "no_digit": 2},
    }
    assert figures["coverage"] == pytest.approx(2 / 5)
    assert figures["error"] == pytest.approx(2 / 3)
    assert [row["count"] for row in figures["reliability"]] == [1, 1, 1, 1, 1]
    assert figures["classes"]["3"] == {"precision": 1, "recall": 1, "f1": 1, "count": 1}
    assert figures["macro"]["recall"] == pytest.approx((1 + 1 + 0 + 0 + 0 + 1 / 3) / 6)
    assert np.array(figures["confusion"]).shape == (12, 12)
    assert figures["confusion"][REJECT][SEVERAL] == 1
    json.dumps(figures, allow_nan=False)


def test_worst_errors_come_first(reporting: None) -> None:
    """A digit that is not there is worse than a missed one, and what is surest is worst."""
    from digitcam.train.reports.results import Examination, examine

    labels = np.array(TRUE, np.uint8)
    result = examine(saying(*SAID), Examination("marks", "Marks", numbered(8), labels))
    assert result.errors == (3, 6, 2, 4, 7)
    assert (result.wrong_digits, result.missed_digits) == ([3, 6, 2], [4])
    assert result.figures["errors"][0] == {
        "index": 3,
        "true": "reject",
        "read": "7",
        "confidence": 0.95,
    }


def test_ten_classes_have_no_more_on_digits(reporting: None) -> None:
    """A network of ten classes is measured in ten on digits, and in twelve on other marks."""
    from digitcam.train.reports.results import Examination, examine

    subject = saying((3, 0.9), (4, 0.6), (5, 0.7), classes=DIGIT_CLASSES)
    digits = examine(subject, Examination("m", "M", numbered(3), np.array([3, 4, 8], np.uint8)))
    assert digits.classes == DIGIT_CLASSES
    assert digits.figures["accuracy"] == digits.figures["digit_accuracy"] == pytest.approx(2 / 3)
    others = examine(
        subject, Examination("m", "M", numbered(3), np.array([3, REJECT, SEVERAL], np.uint8))
    )
    assert others.classes == CLASSES
    assert others.figures["decisions"]["others"] == {
        "right": 0,
        "wrong": 0,
        "unsure": 2,
        "no_digit": 0,
    }
    # Minus the logarithm of float32's least number.
    assert others.figures["cross_entropy"] < 88


@pytest.mark.filterwarnings("error")
def test_perfect_and_blind_networks_have_a_page(
    reporting: None, digits: DigitData, tmp_path: Path
) -> None:
    """Where nothing is wrong, or nothing is answered, the page says so."""
    from digitcam.train.reports.evaluate import write_evaluation

    labels = {image.tobytes(): int(label) for image, label in zip(
        plain_images(digits.x_test), digits.y_test, strict=True)}  # fmt: skip

    def perfect(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        # What is covered with paper stays what it was.
        return np.eye(12, dtype=np.float32)[[labels.get(image.tobytes(), 0) for image in images]]

    def blind(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.tile(np.eye(12, dtype=np.float32)[REJECT], (len(images), 1))

    subject = replace(saying(), probabilities=perfect)
    numbers = write_evaluation(tmp_path, subject, digits, errors=ERRORS)
    page = (tmp_path / PAGE).read_text()
    assert numbers["mnist"]["errors"] == []
    assert "Nothing was read as a digit that it is not." in page
    assert "Nothing was read wrong." in page
    numbers = write_evaluation(tmp_path, replace(subject, probabilities=blind), digits, errors=0)
    assert numbers["mnist"]["coverage"] == numbers["mnist"]["error"] == 0
    assert "Nothing was read as a digit, so no confidence was given." in (
        (tmp_path / PAGE).read_text()
    )


def test_charts_draw_what_they_are_given(reporting: None) -> None:
    """Errors colour the confusion, more of them darker, and what is right stays white."""
    from digitcam.train.reports.diagrams import confusion_chart, heated_images

    def red(*counts: tuple[int, int, int]) -> float:
        png = np.frombuffer(confusion_chart(counts, ("a", "b", "c")), np.uint8)
        picture = cv2.imdecode(png, cv2.IMREAD_COLOR)
        assert picture is not None
        # Without the colour bar at the right.
        blue, _, red = cv2.split(picture[:, : picture.shape[1] * 3 // 4].astype(int))
        return float((red - blue > 80).mean())

    assert red((9, 0, 0), (0, 9, 0), (0, 0, 9)) < 0.001
    assert red((9, 0, 0), (0, 9, 0), (0, 5, 4)) > 0.05
    image = np.full((1, 28, 28), 100, np.uint8)
    heat = np.zeros((1, 28, 28), np.float32)
    heat[0, 0, 0], heat[0, 1, 1] = 1, -1
    (colored,) = heated_images(image, heat)
    assert (colored[5, 5] == 100).all()
    assert colored[0, 0, 0] > colored[0, 0, 2] + 50
    assert colored[1, 1, 2] > colored[1, 1, 0] + 50


# The shipped bundle.


def test_folder_holds_page_and_numbers(of_bundle: Path) -> None:
    """There are the page and the numbers, and nothing that was half written."""
    assert {path.name for path in of_bundle.iterdir()} == {PAGE, NUMBERS}


def test_bundle_is_measured_as_a_device_reads(of_bundle: Path, digits: DigitData) -> None:
    """The figures are those of the classifier that the device runs, through the device's crop."""
    bundle, numbers = load_bundle(DEFAULT_BUNDLE), numbers_of(of_bundle)
    found = Classifier(bundle).probabilities(plain_images(digits.x_test))
    figures = numbers["mnist"]
    assert set(figures) == FIGURES
    assert figures["count"] == len(digits.x_test)
    assert figures["accuracy"] == pytest.approx((found.argmax(axis=1) == digits.y_test).mean())
    ten = found[:, :10].argmax(axis=1) == digits.y_test
    assert figures["digit_accuracy"] == pytest.approx(ten.mean())
    sure = (found.argmax(axis=1) < 10) & (found.max(axis=1) >= bundle.min_confidence)
    assert figures["coverage"] == pytest.approx(sure.mean())
    assert numbers["subject"]["model_sha256"] == bundle.sha256
    assert numbers["subject"]["kind"] == "bundle"
    assert numbers["training"] == bundle.sidecar["training"]
    assert numbers["data"]["x_test"] == digits.digests()["x_test"]
    assert numbers["data"]["same_as_training"] is False
    assert "mnist_as_it_is" not in numbers


def test_page_needs_nothing_else(of_bundle: Path) -> None:
    """No address leads out of the page, and every picture is inside it and shows something.

    Four, and two an error: what was read, and where the network looked.
    """
    page = (of_bundle / PAGE).read_text(encoding="utf-8")
    for mark in ("http:", "https:", "//cdn", "<link", "@import", "url("):
        assert mark not in page
    sources = re.findall(r'<img src="data:image/png;base64,([^"]+)"', page)
    errors = numbers_of(of_bundle)["mnist"]["errors"]
    assert len(sources) == page.count("<img") == 4 + 2 * len(errors)
    for source in sources:
        picture = np.frombuffer(base64.b64decode(source), np.uint8)
        image = cv2.imdecode(picture, cv2.IMREAD_UNCHANGED)
        assert image is not None
        assert len(np.unique(image)) > 5


def test_page_opens_in_a_browser(of_bundle: Path, tmp_path: Path) -> None:
    """A browser without a network draws every picture, and every section is there."""
    opened = open_page(of_bundle / PAGE, tmp_path)
    numbers = numbers_of(of_bundle)
    expected = [*OVERALL, *(f"MNIST: {name}" for name in OF_EACH)]
    assert [name for name in titles(opened.dom) if not name.endswith(MISSED)] == expected
    assert f"{100 * numbers['mnist']['digit_accuracy']:.2f} %" in opened.text
    assert "A bundle's graph has no gradients" in opened.text
    assert numbers["subject"]["model_sha256"][:12] in opened.text
    assert opened.width <= 1200


def test_errors_are_shown(reporting: None, digits: DigitData, tmp_path: Path) -> None:
    """A digit with the label of another class is in the gallery, as the network sees it."""
    from digitcam.train.reports.evaluate import write_evaluation
    from digitcam.train.subject import open_subject

    labels = digits.y_test.copy()
    place = int(np.flatnonzero(labels == 4)[1])
    labels[place] = 7
    subject, data = open_subject(Path("digits")), replace(digits, y_test=labels)
    numbers = write_evaluation(tmp_path, subject, data, errors=ERRORS)
    (error,) = [each for each in numbers["mnist"]["errors"] if each["index"] == place]
    assert (error["true"], error["read"]) == ("7", "4")
    page = (tmp_path / PAGE).read_text()
    found = re.search(
        r'<img src="data:image/png;base64,([^"]+)" alt="7 → 4\s([\d.]+) %\sno. (\d+)" '
        r'class="pixelated">',
        page,
    )
    assert found
    assert int(found[3]) == place
    assert float(found[2]) == pytest.approx(100 * error["confidence"], abs=0.1)
    png = np.frombuffer(base64.b64decode(found[1]), np.uint8)
    image = cv2.imdecode(png, cv2.IMREAD_UNCHANGED)
    assert image is not None
    assert (image == plain_images(digits.x_test)[place]).all()
    assert "The worst errors, true → read." in page
    assert re.search(r"Most often taken for another are [^.]*7 as 4 \(1\)", page)


def test_bundle_is_evaluated_without_tensorflow(
    reporting: None, of_bundle: Path, digits_npz: Path, tmp_path: Path
) -> None:
    """Neither Keras nor TensorFlow is loaded beside the runtime, and no display is needed."""
    script = (
        "import sys; from digitcam.train.cli.evaluate import main; status = main(sys.argv[1:]); "
        "print(*{'keras', 'tensorflow', 'matplotlib.pyplot'} & set(sys.modules)); sys.exit(status)"
    )
    environment = {**os.environ, "MPLBACKEND": "TkAgg"}
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments("digits", tmp_path, digits_npz)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "reading\n")
    accuracy = numbers_of(of_bundle)["mnist"]["digit_accuracy"]
    assert done.stdout.splitlines() == [
        f"accuracy among ten digits {accuracy:.4f}",
        f"page {tmp_path / PAGE}",
        "",
    ]
    for path in of_bundle.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_data_of_the_environment_is_taken(
    reporting: None, digits_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --data a bundle reads the data set that the environment names."""
    monkeypatch.setenv(DATA_VARIABLE, str(digits_npz))
    assert main(["digits", "--out", str(tmp_path)]) == 0
    assert numbers_of(tmp_path)["mnist"]["count"] == 60


def test_photographs_are_a_part(reporting: None, digits: DigitData, tmp_path: Path) -> None:
    """Marks of photographs have figures and sections of their own, other marks among them."""
    from digitcam.train.reports.evaluate import write_evaluation
    from digitcam.train.subject import open_subject

    labels = digits.y_train[:36].copy()
    labels[30:] = REJECT
    paper = PaperData(tuple(digits.x_train[:36]), labels, np.full(36, 50, np.uint8))
    subject = open_subject(Path("digits"))
    write_evaluation(tmp_path, subject, digits, paper, errors=ERRORS)
    numbers, page = numbers_of(tmp_path), (tmp_path / PAGE).read_text()
    assert set(numbers["paper"]) == FIGURES
    assert (numbers["paper"]["count"], numbers["paper"]["digits"]) == (36, 30)
    assert sum(numbers["paper"]["decisions"]["others"].values()) == 6
    assert f"sha256:{numbers['data']['paper']}" == paper.digest()
    assert set(titles(page)) >= {
        f"{part}: {name}" for part in ("MNIST", "Paper") for name in OF_EACH
    }
    assert "other marks" in page


def test_chosen_digits_are_explained(of_bundle: Path, digits_npz: Path, tmp_path: Path) -> None:
    """With --digits one picture of those takes the place of the others."""
    chosen = ("--digits", "3", "59", "--errors", "0")
    assert main(arguments("digits", tmp_path, digits_npz, *chosen)) == 0
    page = (tmp_path / PAGE).read_text()
    assert "The chosen digits" in page
    assert "The first image of each class" not in page
    assert "The first image of each class" in (of_bundle / PAGE).read_text()


# Trainings.


def test_training_is_measured_as_it_measured_itself(of_run: Path, run: Path) -> None:
    """The accuracy is that of the training's own metrics, and all its facts are there."""
    numbers, own = numbers_of(of_run), json.loads((run / "metrics.json").read_text())
    assert numbers["mnist"]["digit_accuracy"] == own["test_accuracy"] == own["device_accuracy"]
    assert numbers["mnist"]["min_confidence"] == own["min_confidence"]
    assert numbers["subject"]["temperature"] == own["temperature"]
    assert numbers["subject"]["parameters"] == own["parameters"]
    assert numbers["subject"]["classes"] == list(CLASSES)
    assert numbers["training"] == json.loads((run / "recipe.json").read_text())
    assert numbers["data"]["same_as_training"] is True
    assert "mnist_as_it_is" not in numbers


def test_page_of_a_training_opens_in_a_browser(of_run: Path, tmp_path: Path) -> None:
    """It has curves and Grad-CAM besides."""
    opened = open_page(of_run / PAGE, tmp_path)
    expected = [*OVERALL, *(f"MNIST: {name}" for name in OF_EACH), "Training"]
    assert [name for name in titles(opened.dom) if not name.endswith(MISSED)] == expected
    assert "2 epochs: the curves of what was held back" in opened.text
    assert re.search(r"Its map has \d+ x \d+ cells", opened.text)
    assert opened.width <= 1200


def test_published_network_is_measured_on_mnist_as_it_is(
    of_published: Path, published: Path
) -> None:
    """Trained on MNIST as it is, it has the accuracy on that besides the one through the crop."""
    numbers, own = numbers_of(of_published), json.loads((published / "metrics.json").read_text())
    assert numbers["mnist_as_it_is"] == {"digit_accuracy": own["test_accuracy"]}
    assert numbers["mnist"]["digit_accuracy"] == own["device_accuracy"]
    assert numbers["subject"]["classes"] == list(DIGIT_CLASSES)
    page = (of_published / PAGE).read_text()
    assert "accuracy on MNIST as it is" in page
    assert "There is no Grad-CAM of this network: it has no convolution" in page


def test_training_without_history_has_no_curves(of_run: Path, of_published: Path) -> None:
    """Model, recipe and metrics are enough; the curves are there where their rows are."""
    assert "Training" in titles((of_run / PAGE).read_text())
    assert "Training" not in titles((of_published / PAGE).read_text())


# What cannot be used.


def broken(run: Path, folder: Path, name: str, change: Callable[[Path], object]) -> Path:
    """Return a copy of a run with one of its files changed."""
    shutil.copytree(run, folder)
    change(folder / name)
    return folder


def changed(**values: object) -> Callable[[Path], object]:
    return lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("recipe.json", Path.unlink, "expected the folder of a training, found no recipe.json"),
        ("recipe.json", changed(format=2), "format must be 1, found 2; train again"),
        ("recipe.json", changed(preprocessing="sha256:0"), "trained for preprocessing sha256:0"),
        ("recipe.json", changed(classes=["0", "1"]), "classes must be the digits 0 to 9 in order"),
        ("recipe.json", lambda path: path.write_text("{"), "expected a JSON file of a run"),
        ("metrics.json", Path.unlink, "missing metrics.json; finish it with digitcam-train --out"),
        ("model.keras", Path.unlink, "missing model.keras; finish it with digitcam-train --out"),
        ("metrics.json", changed(temperature=None), "temperature must be from 0.05 to 20"),
        ("metrics.json", changed(temperature=float("nan")), "temperature must be from 0.05 to 20"),
        ("metrics.json", changed(min_confidence=2), "min_confidence must be from 0 to 1"),
        ("state.json", changed(history=[{"epoch": 1}]), "history must be a row of numbers"),
    ],
)
def test_unusable_training_is_refused(
    run: Path,
    digits_npz: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    reporting: None,
    name: str,
    change: Callable[[Path], object],
    reason: str,
) -> None:
    """One line says what is wrong with the folder, before Keras is loaded or anything written."""
    folder, out = broken(run, tmp_path / "run", name, change), tmp_path / "out"
    assert main(arguments(folder, out, digits_npz)) == 1
    line = only_line(capsys.readouterr().err)
    assert line.startswith(str(folder))
    assert reason in line
    assert not out.exists()


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_half_a_model_is_refused(
    run: Path, published: Path, keras_call: Call, digits_npz: Path, tmp_path: Path, reporting: None
) -> None:
    """Half a model, or that of another training, is one line."""
    for number, change, reason in (
        (0, half, "expected a Keras model, cannot read it"),
        (
            1,
            lambda path: shutil.copy(published / "model.keras", path),
            "expected a network of 28 x 28 images and 12 classes, found (28, 28, 1) and 10",
        ),
    ):
        folder = broken(run, tmp_path / str(number), "model.keras", change)
        answer = keras_call("evaluate", *arguments(folder, tmp_path / "out", digits_npz))
        assert answer.value == 1
        assert f"{folder / 'model.keras'}: {reason}" in only_line(answer.err)
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("nothing", "nothing: no training's folder, and no bundle: nothing.tflite: expected"),
        ("nothing.tflite", "nothing.tflite: expected a model bundle"),
        ("checkpoint-0001.keras", "expected a bundle or the folder of a training, found a file"),
        ("empty", "expected the folder of a training, found no recipe.json in it"),
        ("cut.tflite", "sha256 must be "),
    ],
)
def test_unusable_subject_is_refused(
    reporting: None,
    digits_npz: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    subject: str,
    reason: str,
) -> None:
    """What is neither a training nor a bundle is one line, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    Path("checkpoint-0001.keras").touch()
    Path("empty").mkdir()
    Path("cut.tflite").write_bytes(DEFAULT_BUNDLE.with_suffix(".tflite").read_bytes()[:-9])
    shutil.copy(DEFAULT_BUNDLE.with_suffix(".json"), "cut.json")
    assert main(arguments(subject, Path("out"), digits_npz)) == 1
    assert reason in only_line(capsys.readouterr().err)
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"x_test": np.zeros((60, 28, 27), np.uint8)}, "x_test must be uint8 (N, 28, 28)"),
        ({"y_test": np.full(60, 10, np.uint8)}, "y_test must be 60 labels from 0 to 9"),
        ({"y_test": np.zeros(59, np.uint8)}, "y_test must be 60 labels from 0 to 9"),
    ],
)
def test_wrong_data_is_refused(
    reporting: None,
    digits: DigitData,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, NDArray[np.uint8]],
    reason: str,
) -> None:
    """Wrong shapes and labels are one line that names the array, and nothing is written."""
    data, out = tmp_path / "wrong.npz", tmp_path / "out"
    np.savez(data, **{**vars(digits), **change})
    assert main(arguments("digits", out, data)) == 1
    line = only_line(capsys.readouterr().err)
    assert line.startswith(f"{data}: ")
    assert reason in line
    assert not out.exists()


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--digits", "3", "60"), "--digits must be from 0 to 59, the last test digit, found 60"),
        (("--photographs", "nowhere"), "nowhere: expected amounts/, characters/, cells.npz, fo"),
    ],
)
def test_wrong_flags_are_refused(
    reporting: None,
    digits_npz: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    reason: str,
) -> None:
    """A digit beyond the last, and a folder without photographs, are one line."""
    assert main(arguments("digits", tmp_path, digits_npz, *more)) == 1
    assert only_line(capsys.readouterr().err).startswith(reason)
    assert not list(tmp_path.iterdir())


def test_runtime_goes_with_bundles(
    reporting: None, digits_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A training runs in Keras, so that another runtime is refused and not passed over."""
    runtime = ("--runtime", "litert")
    assert main(arguments(tmp_path, tmp_path / "out", digits_npz, *runtime)) == 1
    assert "--runtime goes with a bundle" in only_line(capsys.readouterr().err)


@pytest.mark.parametrize("full", [PAGE, NUMBERS])
def test_full_disk_keeps_what_was_there(
    of_bundle: Path,
    digits_npz: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    full: str,
) -> None:
    """With no room for a file one line says so, and the old one is whole."""
    old = tmp_path / full
    old.write_text("what was there before")
    with little_room((of_bundle / full).stat().st_size - 1):
        assert main(arguments("digits", tmp_path, digits_npz)) == 1
    line = only_line(capsys.readouterr().err)
    assert line.startswith(f"{tmp_path}: the report cannot be written: File too large; the page")
    assert old.read_text() == "what was there before"
    assert {path.name for path in tmp_path.iterdir()} <= {PAGE, NUMBERS}


def test_unusable_folder_is_refused(
    reporting: None, digits_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that cannot be made is one line."""
    (tmp_path / "file").touch()
    assert main(arguments("digits", tmp_path / "file" / "out", digits_npz)) == 1
    assert "cannot be used as a folder for the report" in only_line(capsys.readouterr().err)
