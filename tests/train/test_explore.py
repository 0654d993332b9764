"""The page about the data: its numbers are right, and it opens with no network."""

from __future__ import annotations

import base64
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.train.augment import plain_images
from digitcam.train.cli.explore import main
from digitcam.train.data import DigitData
from digitcam.train.paper import CLASSES, PaperData
from digitcam.train.reports.facts import as_json, find_facts
from digitcam.train.reports.statistics import (
    MEASURES,
    Duplicates,
    class_images,
    closest_classes,
    distances_between,
    distances_to_means,
    find_duplicates,
    measure,
    most_unusual,
    own_and_nearest_other,
    statistics_of,
    summary_of,
)

from .browser import open_page

Image = NDArray[np.uint8]

PAGE, NUMBERS = "index.html", "statistics.json"
TITLES = [
    *("What is there", "Classes", "Samples", "Pixels", "Shapes", "Mean and spread"),
    *("Likeness of the classes", "Unusual images", "Duplicates", "Distorted digits", "Pages"),
]
PICTURES = {
    *("classes", "samples-training", "samples-test", "levels", "shapes", "means", "likeness"),
    *("near-another", "far-from-own", "distorted", "pages", "marks"),
}
SAMPLES = 3


def bar(left: int, top: int, width: int, height: int, level: int = 255) -> Image:
    """An image with a filled rectangle."""
    image = np.zeros((28, 28), np.uint8)
    image[top : top + height, left : left + width] = level
    return image


def labels(*values: int) -> NDArray[np.uint8]:
    """Labels as the data has them."""
    return np.array(values, np.uint8)


def test_measures_of_bars() -> None:
    """Extent, centre of mass, share of ink and stroke width of rectangles are as drawn."""
    images = np.stack([bar(4, 6, 3, 20), bar(10, 2, 8, 1, 128), bar(0, 0, 28, 28)])
    measured = measure(images)
    assert list(measured) == list(MEASURES)
    assert measured["width"].tolist() == [3, 8, 28]
    assert measured["height"].tolist() == [20, 1, 28]
    assert measured["center_x"].tolist() == pytest.approx([5, 13.5, 13.5])
    assert measured["center_y"].tolist() == pytest.approx([15.5, 2, 13.5])
    assert measured["ink"].tolist() == pytest.approx([100 * n / 784 for n in (60, 8, 784)])
    # Twice the area by the outline; each corner is cut, by less than 0.6 px.
    outlines = np.array([46, 18, 112])
    strokes = 2 * np.array([60, 8, 784]) / outlines
    assert (measured["stroke"] >= strokes * 0.999).all()
    assert (measured["stroke"] <= strokes * outlines / (outlines - 4 * 0.6)).all()


def test_stroke_is_as_wide_at_any_angle() -> None:
    """A long stroke of 3 px measures 3 px however it is turned, but a fifth for its ends."""
    for angle in np.linspace(0, np.pi, 7):
        image, way = np.zeros((28, 28), np.uint8), 11 * np.array([np.cos(angle), np.sin(angle)])
        begin, end = (np.rint(16 * (14 + side * way)).astype(int).tolist() for side in (-1, 1))
        large = cv2.resize(image, (224, 224))
        cv2.line(large, [8 * v for v in begin], [8 * v for v in end], (255,), 24, cv2.LINE_AA, 4)
        stroke = cv2.resize(large, (28, 28), interpolation=cv2.INTER_AREA)
        assert measure(stroke[None].astype(np.uint8))["stroke"][0] == pytest.approx(3, rel=1 / 5)


def test_levels_are_counted() -> None:
    """Mean, deviation and shares of levels are those of all pixels together."""
    images, own = np.stack([bar(0, 0, 14, 28, 100), bar(0, 0, 28, 28, 200)]), labels(3, 3)
    statistics = statistics_of(images, own, measure(images))
    assert statistics.count == 2
    assert statistics.labels == (0, 0, 0, 2, 0, 0, 0, 0, 0, 0)
    assert (statistics.levels[0], statistics.levels[100]) == (392, 392)
    assert sum(statistics.levels) == 2 * 784
    assert statistics.mean_level == pytest.approx(images.mean())
    assert statistics.level_deviation == pytest.approx(images.std())
    assert statistics.part(0, 0) == 0.25
    assert statistics.part(64, 255) == 0.75


def test_many_images_are_measured_as_few(digits: DigitData) -> None:
    """Measuring in chunks gives each image the measure that it has alone."""
    many = np.tile(digits.x_train, (20, 1, 1))
    for name, values in measure(many).items():
        alone = measure(digits.x_train)[name]
        assert values.tolist() == pytest.approx(np.tile(alone, 20).tolist(), rel=1e-5)


def test_imbalance_is_of_largest_and_smallest(digits: DigitData) -> None:
    """Alike classes give 1, three for one give 3, and a missing class gives none."""
    images = digits.x_train[:40]
    for own, expected in (
        (np.arange(40) % 10, 1),
        (np.concatenate([np.arange(10), np.arange(30) % 9]), None),
    ):
        if expected is None:
            own = own[own != 9]
        own = own.astype(np.uint8)
        found = statistics_of(images[: len(own)], own, measure(images[: len(own)])).imbalance
        assert found == expected
    own = np.concatenate([np.arange(10), np.zeros(2)]).astype(np.uint8)
    assert statistics_of(images[:12], own, measure(images[:12])).imbalance == 3


def test_summary_has_its_tails() -> None:
    """Of 0 to 100, five lie below the low end and five above the high one."""
    summary = summary_of(np.arange(101, dtype=np.float32))
    assert (summary.mean, summary.low, summary.high) == (50, 5, 95)
    assert summary.deviation == pytest.approx(np.arange(101).std())


def test_class_images_are_mean_and_spread() -> None:
    """Of two images of a class the mean is half way, the spread half their difference."""
    images = np.stack([bar(0, 0, 4, 4, 100), bar(0, 0, 4, 4, 200), bar(9, 9, 4, 4)])
    classes = class_images(images, labels(2, 2, 7))
    assert classes.mean.shape == classes.deviation.shape == (10, 28, 28)
    assert (classes.mean[2, :4, :4] == 150).all()
    assert (classes.deviation[2, :4, :4] == 50).all()
    assert (classes.mean[7] == images[2]).all()
    assert not classes.deviation[7].any()
    assert not classes.mean[0].any()


def test_distances_are_root_mean_squares() -> None:
    """Distances between means, and of images to them, are as NumPy says; none to what is not."""
    images = np.stack([bar(2, 2, 4, 9), bar(3, 2, 4, 9), bar(20, 2, 4, 9), bar(9, 9, 9, 9, 90)])
    own = labels(1, 1, 4, 8)
    classes = class_images(images, own)
    between = distances_between(classes)
    apart = classes.mean[4] - classes.mean[8]
    assert between[4, 8] == between[8, 4] == pytest.approx(np.sqrt((apart**2).mean()))
    assert np.isnan(between[0]).all()
    assert np.isnan(between[:, 3]).all()
    assert np.diag(between)[[1, 4, 8]].tolist() == [0, 0, 0]
    assert closest_classes(between, 2) == ["1 and 8", "4 and 8"]
    assert len(closest_classes(between, 9)) == 3
    distances = distances_to_means(images, classes)
    expected = [[np.sqrt(((i - classes.mean[c]) ** 2).mean()) for c in (1, 4, 8)] for i in images]
    # Float32 squares of levels leave less than a tenth of a level.
    assert distances[:, [1, 4, 8]] == pytest.approx(np.array(expected), abs=0.1)
    assert np.isinf(distances[:, [0, 2, 9]]).all()
    assert distances.argmin(axis=1).tolist() == own.tolist()
    mine, other = own_and_nearest_other(distances, own)
    assert mine.tolist() == distances[range(4), own].tolist()
    assert other[3] == distances[3, [1, 4]].min()


def test_most_unusual_come_first() -> None:
    """Each class lists its own images by score, and no more than it has."""
    scores = np.array([1, 5, 3, 9, 2], np.float32)
    found = most_unusual(scores, labels(0, 0, 0, 6, 6), 2)
    assert found == [[1, 2], [], [], [], [], [], [3, 4], [], [], []]


def test_wrong_label_is_the_most_unusual(digits: DigitData) -> None:
    """A digit with the label of another class is the first that is shown of that class."""
    wrong = digits.y_train.copy()
    place = int(np.flatnonzero(wrong == 0)[0])
    wrong[place] = 1
    facts = find_facts(replace(digits, y_train=wrong), None, SAMPLES)
    assert facts.near_another[1][0] == place


def test_duplicates_are_found() -> None:
    """Images twice in a part, in both parts, and with two labels are told apart."""
    a, b, c, d = (bar(left, 3, 2, 9) for left in (1, 5, 9, 13))
    training, own = np.stack([a, b, a, a, c]), labels(1, 2, 1, 1, 3)
    test, others = np.stack([d, a, c, d]), labels(4, 1, 5, 4)
    assert find_duplicates(training, own, test, others) == Duplicates(
        training=2, test=1, shared=((0, 1), (4, 2)), contradictions=1
    )


def test_nothing_is_twice_in_other_images(digits: DigitData) -> None:
    """Images that differ, if only in one pixel, are no duplicates."""
    near = digits.x_train[:1].copy()
    near[0, 0, 0] ^= 1
    found = find_duplicates(digits.x_train[:1], labels(0), near, labels(0))
    assert found == Duplicates(0, 0, (), 0)


@pytest.fixture(scope="module")
def drawing() -> None:
    """Skip without the libraries that draw."""
    for name in ("matplotlib", "jinja2"):
        pytest.importorskip(name, reason=f"needs {name}: pip install 'digitcam[train]'")


@pytest.fixture(scope="module")
def explored(drawing: None, digits_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that digitcam-explore writes of the drawn digits."""
    out = tmp_path_factory.mktemp("reports") / "deep" / "explored"
    assert main(arguments(out, digits_npz)) == 0
    return out


def arguments(out: Path, data: Path, *more: str) -> list[str]:
    """A short call."""
    return ["--out", str(out), "--data", str(data), "--samples", str(SAMPLES), *more]


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that was said on stderr."""
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("digitcam-explore: ")
    return str(line.removeprefix("digitcam-explore: "))


def embedded(page: str) -> list[bytes]:
    """Return the pictures inside a page."""
    sources = re.findall(r'<img src="data:image/png;base64,([^"]+)"', page)
    assert len(sources) == page.count("<img")
    return [base64.b64decode(source) for source in sources]


def test_folder_holds_page_numbers_and_pictures(explored: Path) -> None:
    """There are the page, the numbers and each picture, and nothing that was half written."""
    names = {path.name for path in explored.iterdir()}
    assert names == {PAGE, NUMBERS, *(f"{name}.png" for name in PICTURES)}


def test_page_needs_nothing_else(explored: Path) -> None:
    """No address leads out of the page, and it holds the very pictures that lie beside it."""
    page = (explored / PAGE).read_text(encoding="utf-8")
    for mark in ("http:", "https:", "//cdn", "<link", "@import", "url("):
        assert mark not in page
    pictures = {(explored / f"{name}.png").read_bytes() for name in PICTURES}
    assert set(embedded(page)) == pictures
    for picture in pictures:
        image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED)
        assert image is not None
        assert len(np.unique(image)) > 5


def test_page_opens_in_a_browser(explored: Path, tmp_path: Path) -> None:
    """A browser without a network draws every picture, and every section is there."""
    opened = open_page(explored / PAGE, tmp_path)
    assert opened.images == len(PICTURES)
    assert re.findall(r"<h2[^>]*>([^<]+)</h2>", opened.dom) == TITLES
    assert "240 digits to train on and 60 to be measured on" in opened.text
    assert "1.00 images for one of the smallest" in opened.text
    assert opened.width <= 1200


def test_numbers_are_the_data_s(explored: Path, digits: DigitData) -> None:
    """statistics.json has the digests and what was counted and measured, in strict JSON."""
    numbers = json.loads((explored / NUMBERS).read_text(), parse_constant=pytest.fail)
    assert numbers["data"] == digits.digests()
    assert numbers["parts"]["training"]["labels"] == [24] * 10
    assert numbers["parts"]["test"]["count"] == 60
    assert numbers["parts"]["training"]["mean_level"] == pytest.approx(digits.x_train.mean())
    assert set(numbers["parts"]["test"]["measures"]) == set(MEASURES)
    assert numbers["nearest_mean_accuracy"] > 0.5
    assert [len(own) for own in numbers["far_from_own"]] == [SAMPLES] * 10
    assert numbers["seed"] == 1


def test_sheet_shows_the_images(drawing: None, digits: DigitData) -> None:
    """Each pixel of an image is an even square of its own level on the sheet."""
    from digitcam.train.reports.pictures import sheet

    image = plain_images(digits.x_train[:1])[0]
    png = np.frombuffer(sheet({"a": [image], "b": [image, image]}, enlarge=2), np.uint8)
    drawn = cv2.imdecode(png, cv2.IMREAD_GRAYSCALE)
    assert drawn is not None
    large = np.kron(image, np.ones((2, 2), np.uint8))
    # Colour maps have 256 levels and so give each level back, or the next.
    match = cv2.matchTemplate(drawn, large, cv2.TM_SQDIFF) <= large.size
    assert match.sum() == 3


def test_same_seed_gives_the_same_page(explored: Path, digits_npz: Path, tmp_path: Path) -> None:
    """Called again with its seed everything is the same; another seed draws other samples."""
    assert main(arguments(tmp_path, digits_npz)) == 0
    for path in explored.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name
    assert main(arguments(tmp_path, digits_npz, "--seed", "2")) == 0
    for name in ("samples-training.png", "distorted.png", "pages.png", "marks.png"):
        assert (tmp_path / name).read_bytes() != (explored / name).read_bytes()
    for name in ("means.png", "far-from-own.png", "levels.png"):
        assert (tmp_path / name).read_bytes() == (explored / name).read_bytes()


def without(data: DigitData, *missing: int) -> DigitData:
    """The data without some classes."""
    chosen = ~np.isin(data.y_train, missing), ~np.isin(data.y_test, missing)
    return DigitData(
        data.x_train[chosen[0]], data.y_train[chosen[0]],
        data.x_test[chosen[1]], data.y_test[chosen[1]],
    )  # fmt: skip


@pytest.mark.parametrize("missing", [(3,), (0, 9), (1, 2, 3, 4, 5, 6, 7, 8, 9)])
@pytest.mark.filterwarnings("error")
def test_missing_classes_are_told(
    drawing: None, digits: DigitData, tmp_path: Path, missing: tuple[int, ...]
) -> None:
    """Data without some classes is shown, and the page and the numbers say which are missing."""
    from digitcam.train.reports.explore import write_exploration

    page = write_exploration(tmp_path, without(digits, *missing), None, seed=1, samples=2)
    named = ", ".join(map(str, missing))
    assert f"The training part has no {named};" in page.read_text(encoding="utf-8")
    numbers = json.loads((tmp_path / NUMBERS).read_text(), parse_constant=pytest.fail)
    assert numbers["parts"]["training"]["imbalance"] is None
    assert numbers["between_means"][missing[0]] == [None] * 10


def test_shared_images_are_shown(drawing: None, digits: DigitData, tmp_path: Path) -> None:
    """Test images that were trained on are counted and are a picture."""
    from digitcam.train.reports.explore import write_exploration

    x = digits.x_test.copy()
    x[4] = digits.x_train[7]
    write_exploration(tmp_path, replace(digits, x_test=x), None, seed=1, samples=2)
    assert [7, 4] in json.loads((tmp_path / NUMBERS).read_text())["duplicates"]["shared"]
    assert (tmp_path / "duplicates.png").is_file()


def test_photographs_are_a_part(drawing: None, digits: DigitData, tmp_path: Path) -> None:
    """With marks of photographs their digits are measured beside the others, and all are shown."""
    from digitcam.train.reports.explore import write_exploration

    labels = (np.arange(36) % len(CLASSES)).astype(np.uint8)
    paper = PaperData(tuple(digits.x_train[:36]), labels, np.full(36, 50, np.uint8))
    numbers: dict[str, Any] = as_json(find_facts(digits, paper, 2))
    assert numbers["parts"]["photographs"]["count"] == 30
    assert numbers["data"]["photographs"] == paper.digest()
    page = write_exploration(tmp_path, digits, paper, seed=1, samples=2).read_text("utf-8")
    assert len(embedded(page)) == len(PICTURES) + 1
    assert "of which 30 are digits" in page
    assert (tmp_path / "photographs.png").is_file()


def test_no_display_is_needed(digits_npz: Path, tmp_path: Path, drawing: None) -> None:
    """Where matplotlib is told to use windows, and there is no display, the page is made."""
    environment = {**os.environ, "MPLBACKEND": "TkAgg"}
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-m", "digitcam.train.cli.explore", *arguments(tmp_path, digits_npz)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"page {tmp_path / PAGE}\n"


@contextmanager
def little_room(room: int) -> Iterator[None]:
    """Let no file grow beyond some bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("left_out", [PAGE, "samples-training.png"])
def test_full_disk_keeps_the_page(
    explored: Path,
    digits_npz: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    left_out: str,
) -> None:
    """With no room for the page, or a picture, one line says so and the old page is whole."""
    old = tmp_path / PAGE
    old.write_text("the page before")
    room = (explored / left_out).stat().st_size - 1
    with little_room(room):
        assert main(arguments(tmp_path, digits_npz)) == 1
    line = complaint(capsys)
    assert line.startswith(f"{tmp_path}: the report cannot be written: File too large; ")
    assert line.endswith("make room or choose another --out")
    assert old.read_text() == "the page before"
    assert main(arguments(tmp_path, digits_npz)) == 0
    assert old.read_bytes() == (explored / PAGE).read_bytes()


@pytest.mark.parametrize("name", ["file", "file/report"])
def test_unusable_folder_is_refused(
    drawing: None, digits_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """A folder that cannot be made is refused with the reason."""
    (tmp_path / "file").touch()
    assert main(arguments(tmp_path / name, digits_npz)) == 1
    line = complaint(capsys)
    assert line.startswith(f"{tmp_path / name}: cannot be used as a folder for the report: ")
    assert line.endswith("; choose another --out")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"x_train": np.zeros((240, 20, 20), np.uint8)}, "x_train must be uint8 (N, 28, 28)"),
        ({"y_test": np.full(60, 10, np.uint8)}, "y_test must be 60 labels from 0 to 9"),
        ({"y_train": np.zeros(7, np.uint8)}, "y_train must be 240 labels from 0 to 9"),
    ],
)
def test_bad_data_is_one_line(
    drawing: None,
    digits: DigitData,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, NDArray[np.uint8]],
    reason: str,
) -> None:
    """Wrong shapes and labels are one line, before there is a folder."""
    data = tmp_path / "data.npz"
    np.savez(data, **{**vars(digits), **changed})
    assert main(arguments(tmp_path / "out", data)) == 1
    assert complaint(capsys).startswith(f"{data}: {reason}")
    assert not (tmp_path / "out").exists()


def test_no_photographs_is_one_line(
    drawing: None, digits_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder without photographs is refused with what it should hold."""
    out = arguments(tmp_path / "out", digits_npz, "--photographs", str(tmp_path))
    assert main(out) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"digitcam-explore: {tmp_path}: expected amounts/, characters/")
