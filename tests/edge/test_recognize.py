"""The public reader: drawn pages in, exact readings out, from files, bytes and arrays alike."""

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge import Box, Reading, Recognizer
from digitcam.edge.bundle import load_bundle
from digitcam.edge.errors import EdgeError, ImageError, ModelError, SettingsError
from digitcam.edge.settings import PreprocessSettings, Settings
from digitcam.train.handwriting import draw_digit, variant_curves
from digitcam.train.pens.drawn import drawn_hand
from digitcam.train.pens.pen import random_pen
from digitcam.train.pens.writing import write
from digitcam.train.photograph import Look
from digitcam.train.scene import PlacedDigit, Scene, render_rows

CHALK = Look(
    light_on_dark=True, paper_bgr=(50.0, 58.0, 52.0), ink_bgr=(215.0, 220.0, 222.0), ink_alpha=0.9
)
PENCIL = Look(ink_bgr=(95.0, 95.0, 95.0), ink_alpha=0.85, ink_grain=0.2, light_falloff=0.35)
LOOKS = {"ink": Look(), "pencil": PENCIL, "chalk": CHALK}
TOLERANCE_PX = 3
"""Allows the lens blur to widen a box by that much a side, not a digit more or less."""


def numbers(seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(map(str, rng.integers(0, 10, 5))) for _ in range(3)]


def boxes(reading: Reading) -> list[Box]:
    return [digit.box for line in reading.lines for digit in line.digits]


def check_boxes(
    found: list[Box], digits: tuple[PlacedDigit, ...], factor: float = 1, tolerance: float = 0
) -> None:
    """Fail unless each box lies where its digit was drawn."""
    allowed = tolerance or TOLERANCE_PX * factor
    assert len(found) == len(digits)
    for box, digit in zip(found, digits, strict=True):
        exact = np.array([digit.x, digit.y, digit.x + digit.width, digit.y + digit.height]) * factor
        assert np.abs(exact - [box.x, box.y, box.right, box.bottom]).max() <= allowed


def exif(orientation: int) -> bytes:
    tiff = b"II" + struct.pack("<HIHHHIHHI", 42, 8, 1, 274, 3, 1, orientation, 0, 0)
    return b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\0\0" + tiff


# --- what is read ----------------------------------------------------------------------------


def test_small_and_large_digits_of_one_picture_are_read(recognizer: Recognizer) -> None:
    """From 14 px to half the frame high, side by side."""
    rng = np.random.default_rng(6)
    image = np.full((480, 640, 3), 215, np.uint8)
    for row in ("3", "5"):
        digit = draw_digit(int(row), rng, 240)
        x = 60 if row == "3" else 240
        image[120 : 120 + digit.shape[0], x : x + digit.shape[1]][digit > 128] = 40
    for place, value in enumerate((4, 7, 2, 8)):
        digit = draw_digit(value, rng, 14)
        spot = image[
            230 : 230 + digit.shape[0], 480 + 17 * place : 480 + 17 * place + digit.shape[1]
        ]
        spot[:] = np.minimum(spot, (215 - 0.7 * digit.astype(float))[..., None]).astype(np.uint8)
    reading = recognizer.read(image)
    assert sorted(line.text for line in reading.lines) == ["35", "4728"]


def test_rows_that_touch_are_read(recognizer: Recognizer) -> None:
    """Hardly a digit is lost where digits of one row touch those below them."""
    written = told = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        pen, y = random_pen(rng, "felt"), 40
        page = np.full((330, 420), 225.0)
        for number in rng.integers(1000, 10_000, 3):
            ink = write(drawn_hand(), str(number), 48, pen, rng).ink
            page[y : y + ink.shape[0], 60 : 60 + ink.shape[1]] -= ink * (150 / 255)
            y += ink.shape[0] - 5
        reading = recognizer.read(np.clip(page, 40, 255).astype(np.uint8))
        written += 12
        told += sum(len(line.digits) for line in reading.lines)
    assert 0.85 * written <= told <= 1.03 * written


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_drawn_rows_are_read_exactly(recognizer: Recognizer, look: str, seed: int) -> None:
    """Ink and pencil on paper and chalk on a board are read digit for digit, row for row."""
    rows = numbers(seed)
    scene = render_rows(rows, np.random.default_rng(seed), height_px=52, look=LOOKS[look])
    reading = recognizer.read(scene.image)
    assert reading.text == "\n".join(rows)
    check_boxes(boxes(reading), scene.digits)


def test_a_reading_tells_its_picture_and_its_model(recognizer: Recognizer, page: Scene) -> None:
    """Size, model and the time of each stage come with the digits."""
    reading = recognizer.read(page.image)
    assert (reading.width, reading.height) == (640, 480)
    assert reading.model == f"sha256:{recognizer.bundle.sha256}"
    stages = ["decode", "segment", "classify"]
    assert list(reading.timing_ms) == [*stages, "total"]
    assert reading.timing_ms["total"] == pytest.approx(sum(reading.timing_ms[s] for s in stages))
    assert all(ms > 0 for ms in reading.timing_ms.values())


def test_reading_twice_reads_the_same(recognizer: Recognizer, page: Scene) -> None:
    """Nothing is left in the reader from other pictures."""
    first = recognizer.read(page.image)
    recognizer.read(np.rot90(page.image))
    assert recognizer.read(page.image).lines == first.lines


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_page_is_an_empty_reading(recognizer: Recognizer, level: int) -> None:
    """A page without ink has no lines and no rejected marks."""
    reading = recognizer.read(np.full((480, 640), level, np.uint8))
    assert (reading.lines, reading.rejected, reading.text) == ((), 0, "")


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("degrees", [0, 2, 4, 8, 15])
@pytest.mark.parametrize("level", [20, 90])
def test_a_sheet_on_a_desk(
    recognizer: Recognizer, page: Scene, text: str, level: int, degrees: float, negative: bool
) -> None:
    """However a sheet lies on its desk, what is written on it is read, and nothing else."""
    desk = np.full((720, 960, 3), level, np.uint8)
    desk[120:600, 160:800] = page.image
    turn = cv2.getRotationMatrix2D((480, 360), degrees, 1)
    photo = np.asarray(cv2.warpAffine(desk, turn, (960, 720), borderValue=(level,) * 3), np.uint8)
    assert recognizer.read(255 - photo if negative else photo).text == text


def test_a_strong_gradient(recognizer: Recognizer, page: Scene, text: str) -> None:
    """Light that falls to a third over the page hides no digit and adds none."""
    light = np.linspace(1, 1 / 3, page.image.shape[1])[None, :, None]
    assert recognizer.read((page.image * light).astype(np.uint8)).text == text


# --- what does not matter --------------------------------------------------------------------

PLAIN: dict[str, Any] = {
    "frame": (320, 240),
    "at": (0.5, 0.5),
    "height": 60,
    "pen": 0.1,
    "contrast": 120,
    "light": False,
}
"""How a digit is drawn where nothing is said of it."""


def drawn(
    digit: int,
    frame: tuple[int, int],
    at: tuple[float, float],
    height: int,
    pen: float,
    contrast: int,
    light: bool,
) -> NDArray[np.uint8]:
    """Draw one digit in a frame, with a sensor's grain.

    Args:
        digit: 0 to 9, in its first form.
        frame: Width and height, px.
        at: Where it stands, 0 to 1 from the left and from the top of the room that there is.
        height: Of the ink, px.
        pen: Width of the stroke, in heights.
        contrast: Grey levels between ink and ground.
        light: Whether the ink is lighter.
    """
    curves = variant_curves(digit)[0]
    points = np.concatenate(curves)
    low, high = points.min(axis=0), points.max(axis=0)
    thickness = max(pen * height, 1.0)
    scale = (height - thickness) / (high[1] - low[1])
    room = np.array(frame) - (high - low) * scale - thickness - 8
    start = 4 + thickness / 2 + np.array(at) * room
    ink = np.zeros(frame[::-1], np.uint8)
    for curve in curves:
        places = np.rint(((curve - low) * scale + start) * 16).astype(np.int32)
        cv2.polylines(ink, [places], False, (255,), round(thickness), cv2.LINE_AA, 4)
    ground, step = (50, contrast) if light else (205, -contrast)
    grain = np.random.default_rng(digit).normal(0, 1, ink.shape)
    return np.clip(np.rint(ground + step * (ink / 255.0) + grain), 0, 255).astype(np.uint8)


def least_side(height: int) -> int:
    """Return the side of a frame in which a digit of a height has room."""
    return max(64, round(1.2 * height) + 12)


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what is another way about a digit: one thing alone, or all at once."""
    height = draw(st.integers(16, 240))
    ways: dict[str, Any] = {
        "frame": (
            draw(st.integers(least_side(height), 1280)),
            draw(st.integers(least_side(height), 720)),
        ),
        "at": (draw(st.floats(0, 1)), draw(st.floats(0, 1))),
        "height": height,
        "pen": max(draw(st.floats(0.05, 0.16)), 1.5 / height),
        "contrast": draw(st.integers(50, 150)),
        "light": draw(st.booleans()),
    }
    one = draw(st.sampled_from([*ways, "all"]))
    if one == "all":
        return ways
    if one == "height":
        return {"height": height, "frame": (640, 480)}
    if one == "frame":
        side = least_side(PLAIN["height"])
        return {"frame": (max(ways["frame"][0], side), max(ways["frame"][1], side))}
    return {one: ways[one]}


@pytest.mark.parametrize("digit", range(10))
@settings(max_examples=12, derandomize=True, deadline=None)
@given(change=changes())
def test_a_digit_reads_the_same_however_it_is_shown(
    recognizer: Recognizer, digit: int, change: dict[str, Any]
) -> None:
    """In another frame, place, size, pen, contrast or polarity it is the same digit."""
    assert recognizer.read(drawn(digit, **PLAIN)).text == str(digit)
    assert recognizer.read(drawn(digit, **{**PLAIN, **change})).text == str(digit)


@settings(max_examples=20, derandomize=True, deadline=None)
@given(
    left=st.integers(0, 200), top=st.integers(0, 200), right=st.integers(0, 200),
    bottom=st.integers(0, 200),
)  # fmt: skip
def test_bare_paper_around_a_page_changes_nothing(
    recognizer: Recognizer, left: int, top: int, right: int, bottom: int
) -> None:
    """Lines read the same, and boxes move with the page, by less than two pixels of rounding."""
    picture = drawn(4, **{**PLAIN, "at": (0.2, 0.5)})
    picture = np.minimum(picture, drawn(7, **{**PLAIN, "at": (0.5, 0.5)}))
    wide = np.pad(picture, ((top, bottom), (left, right)), constant_values=205)
    alone, around = recognizer.read(picture), recognizer.read(wide)
    assert alone.text == around.text == "47"
    for one, other in zip(boxes(alone), boxes(around), strict=True):
        moved = one.shifted(left, top)
        assert np.abs(np.subtract(moved.as_list(), other.as_list())).max() <= 2


# --- forms of a picture ----------------------------------------------------------------------


def arrays(page: Scene) -> dict[str, NDArray[Any]]:
    gray = np.asarray(cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY), np.uint8)
    return {
        "gray": gray,
        "gray with an axis": gray[..., None],
        "BGRA": np.dstack([page.image, np.full_like(gray, 255)]),
        "uint16": gray.astype(np.uint16) * 257,
        "a view": np.repeat(np.repeat(page.image, 2, axis=0), 2, axis=1)[::2, ::2],
        "read-only": np.frombuffer(page.image.tobytes(), np.uint8).reshape(page.image.shape),
    }


@pytest.mark.parametrize(
    "form", ["gray", "gray with an axis", "BGRA", "uint16", "a view", "read-only"]
)
def test_arrays_of_each_form_read_alike(
    recognizer: Recognizer, page: Scene, text: str, form: str
) -> None:
    """Gray, BGR, BGRA and 16-bit arrays, and views of others, give the same reading."""
    array = arrays(page)[form]
    before = array.copy()
    assert recognizer.read(array).text == text
    assert np.array_equal(array, before)


def test_a_path_its_name_and_its_bytes_read_alike(
    recognizer: Recognizer, note: Path, text: str
) -> None:
    """A file is read by path, by name and by content."""
    readings = [recognizer.read(source) for source in (note, str(note), note.read_bytes())]
    assert readings[0].text == text
    assert readings[0].lines == readings[1].lines == readings[2].lines


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((480, 640)),
        np.zeros((480, 640, 2), np.uint8),
        np.zeros((0, 640), np.uint8),
        np.zeros(640, np.uint8),
        np.zeros((2, 480, 640, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(recognizer: Recognizer, array: NDArray[Any]) -> None:
    """An array of another type or shape is one line that names what is accepted."""
    with pytest.raises(ImageError, match=r"^expected a uint8 or uint16 array of shape \(H, W\), "):
        recognizer.read(array)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 3), (3, 3), (3, 5000)])
@pytest.mark.parametrize("level", [0, 255, None])
def test_tiny_and_thin_pictures_hold_no_digit(
    recognizer: Recognizer, shape: tuple[int, int], level: int | None
) -> None:
    """Pictures that are too small for a digit are read all the same, with nothing in them."""
    noise = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    reading = recognizer.read(noise if level is None else np.full(shape, level, np.uint8))
    assert (reading.width, reading.height) == shape[::-1]
    if level is not None:
        assert reading.lines == ()


# --- boxes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 1), (8, 3)])
def test_boxes_lie_in_the_upright_picture(
    recognizer: Recognizer, page: Scene, text: str, orientation: int, turns: int
) -> None:
    """A phone's turned JPEG is read upright, and sizes and boxes are those of what one sees."""
    stored = np.ascontiguousarray(np.rot90(page.image, turns))
    jpeg = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    reading = recognizer.read(jpeg[:2] + exif(orientation) + jpeg[2:])
    assert reading.text == text
    assert (reading.width, reading.height) == (640, 480)
    check_boxes(boxes(reading), page.digits)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_the_picture_of_a_camera_that_hangs_on_its_side(
    recognizer: Recognizer, page: Scene, degrees: int
) -> None:
    """A setting turns it before it is read; boxes lie in the picture as it was given."""
    hanging = Settings(preprocess=PreprocessSettings(orientation=degrees))
    picture = np.ascontiguousarray(np.rot90(page.image, degrees // 90))
    upright, reading = recognizer.read(page.image), Recognizer(settings=hanging).read(picture)
    assert reading.text == upright.text
    assert (reading.height, reading.width) == picture.shape[:2]
    for box, own in zip(boxes(reading), boxes(upright), strict=True):
        where = np.zeros(page.image.shape[:2], bool)
        where[own.y : own.bottom, own.x : own.right] = True
        turned = np.rot90(where, degrees // 90)
        assert turned[box.y : box.bottom, box.x : box.right].all()
        assert turned.sum() == box.area


@pytest.mark.parametrize("extension", [".jpg", ".bmp"])
def test_boxes_of_a_large_picture_are_in_its_own_pixels(
    recognizer: Recognizer, page: Scene, text: str, extension: str
) -> None:
    """12 megapixels are read in reduced size, and boxes are told in the picture as given."""
    large = cv2.resize(page.image, (4000, 3000), interpolation=cv2.INTER_LINEAR)
    reading = recognizer.read(cv2.imencode(extension, large)[1].tobytes())
    assert (reading.width, reading.height) == (4000, 3000)
    assert reading.text == text
    check_boxes(boxes(reading), page.digits, 6.25)


def test_boxes_of_a_small_picture_stay_inside(recognizer: Recognizer, page: Scene) -> None:
    """A digit cut out alone is enlarged to be read, and its box is inside the cut-out."""
    digit = page.digits[0]
    cut = page.image[
        digit.y - 6 : digit.y + digit.height + 6, digit.x - 6 : digit.x + digit.width + 6
    ]
    reading = recognizer.read(cut)
    assert reading.text == str(digit.digit)
    moved = PlacedDigit(digit.digit, 6, 6, digit.width, digit.height)
    check_boxes(boxes(reading), (moved,))
    (box,) = boxes(reading)
    assert 0 <= box.x < box.right <= cut.shape[1]
    assert 0 <= box.y < box.bottom <= cut.shape[0]


# --- settings --------------------------------------------------------------------------------


def test_the_threshold_decides_what_is_told(page: Scene) -> None:
    """What is told is as certain as the threshold at least; at 0 all that is read is told."""
    for threshold in (0.0, 0.9, 0.9999, 1.0):
        reading = Recognizer(settings=Settings(min_confidence=threshold)).read(page.image)
        digits = [digit for line in reading.lines for digit in line.digits]
        for digit in digits:
            assert (digit.digit is None) == (digit.confidence < threshold)
        if threshold == 0:
            assert "?" not in reading.text
            assert len(digits) >= len(page.digits)


def test_a_digit_in_doubt_is_not_lost_from_its_number(
    page: Scene, doubt: tuple[float, str]
) -> None:
    """It is `?` at its place, with its box and the two likeliest digits; the others are told."""
    threshold, text = doubt
    reading = Recognizer(settings=Settings(min_confidence=threshold)).read(page.image)
    assert reading.text == text
    assert reading.text.count("?") == 1
    check_boxes(boxes(reading), page.digits)
    place = text.replace("\n", "").index("?")
    untold = [digit for line in reading.lines for digit in line.digits][place]
    (best, confidence), (second, less) = untold.likeliest
    assert best == page.digits[place].digit != second
    assert confidence == untold.confidence >= less


def test_a_threshold_removes_no_digit(recognizer: Recognizer, page: Scene) -> None:
    """Where none is certain enough each is `?`; what is no digit to the model is none."""
    reading = Recognizer(settings=Settings(min_confidence=1)).read(page.image)
    usual = recognizer.read(page.image)
    assert reading.text == "".join("\n" if c == "\n" else "?" for c in usual.text)
    assert reading.rejected == usual.rejected


def test_a_large_picture_keeps_what_cannot_be_told(page: Scene) -> None:
    """Boxes that are brought to the image as given keep the two likeliest digits."""
    large = cv2.resize(page.image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    reading = Recognizer(settings=Settings(min_confidence=0.9999)).read(large)
    untold = [d for line in reading.lines for d in line.digits if d.digit is None]
    assert untold
    assert all(len(digit.likeliest) == 2 for digit in untold)


def test_without_a_threshold_the_models_own_holds(recognizer: Recognizer, page: Scene) -> None:
    """The bundle says how certain a digit has to be, and a setting of the same does the same."""
    own = Settings(min_confidence=recognizer.bundle.min_confidence)
    assert Recognizer(settings=own).read(page.image).lines == recognizer.read(page.image).lines


def test_settings_reach_their_stages(page: Scene, text: str) -> None:
    """Working size and polarity are what was set."""
    small = Settings(preprocess=PreprocessSettings(work_size_px=320))
    assert Recognizer(settings=small).frame(page.image).luma.shape == (240, 320)
    dark = Settings(preprocess=PreprocessSettings(polarity="dark-on-light"))
    assert Recognizer(settings=dark).read(page.image).text == text


def test_the_settings_name_the_model() -> None:
    """A reader loads the bundle of its settings, unless it is given another."""
    tiny = load_bundle(Path("digits-tiny")).sha256
    named = Settings(model="digits-tiny")
    assert Recognizer(settings=named).bundle.sha256 == tiny
    assert Recognizer("digits-tiny").bundle.sha256 == tiny
    assert Recognizer("digits", named).bundle.sha256 == Recognizer().bundle.sha256 != tiny


def test_impossible_settings_build_no_reader() -> None:
    """A bad value is found when the reader is built, not with the first picture."""
    with pytest.raises(SettingsError, match="threads must be a whole number from 1 to 64, found 0"):
        Recognizer(settings=replace(Settings(), threads=0))


def test_a_missing_bundle_builds_no_reader(tmp_path: Path) -> None:
    """A bundle that is not there is told when the reader is built."""
    with pytest.raises(ModelError, match="expected a model bundle"):
        Recognizer(tmp_path / "none")


def test_every_error_has_one_base() -> None:
    """Whoever catches EdgeError catches all that is raised on purpose."""
    assert issubclass(ImageError, EdgeError)
    assert issubclass(ModelError, EdgeError)
    assert issubclass(SettingsError, EdgeError)
