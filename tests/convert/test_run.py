"""Run folders that are missing, damaged or of another version."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.convert.errors import RunFolderError
from digitcam.convert.run import calibration_extras, check_data, load_run
from digitcam.edge.reading.view import fingerprint
from digitcam.train.data import DigitData
from digitcam.train.errors import RunError

CLASSES = [str(digit) for digit in range(10)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole run but for its model, which is any archive."""
    np.savez(tmp_path / "any.npz", weights=np.arange(5000))
    (tmp_path / "any.npz").rename(tmp_path / "model.keras")
    recipe = {"format": 1, "classes": CLASSES, "preprocessing": fingerprint(), "data": {}}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    (tmp_path / "metrics.json").write_text(json.dumps({"temperature": 2}))
    return tmp_path


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_whole_run_is_read(folder: Path) -> None:
    """Classes, temperature and fingerprint come from the run's own files; the rest is absent."""
    run = load_run(folder)
    assert run.classes == tuple(CLASSES)
    assert run.temperature == 2
    assert run.preprocessing == fingerprint()
    assert run.min_confidence == 0.5
    assert calibration_extras(run).shape == (0, 28, 28)


def test_a_chosen_threshold_is_read(folder: Path) -> None:
    """The threshold that a training chose is the run's."""
    change(folder / "metrics.json", min_confidence=0.74)
    assert load_run(folder).min_confidence == 0.74


def test_images_to_calibrate_with_are_read(folder: Path) -> None:
    """What the training left to calibrate with comes back as it was."""
    images = np.random.default_rng(1).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    np.savez(folder / "calibration.npz", images=images)
    assert np.array_equal(calibration_extras(load_run(folder)), images)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"digits": np.zeros((1, 28, 28), np.uint8)}, "expected images to calibrate with"),
        ({"images": np.array([None])}, "expected images to calibrate with"),
        ({"images": np.zeros((1, 28, 28))}, r"must be \(N, 28, 28\) uint8, found .* float64"),
        ({"images": np.zeros((28, 28), np.uint8)}, r"found \(28, 28\) uint8"),
    ],
)
def test_other_images_to_calibrate_with_are_refused(
    folder: Path, arrays: dict[str, NDArray[Any]], message: str
) -> None:
    """Images of another name, kind or shape are refused with what was found."""
    np.savez(folder / "calibration.npz", **arrays)
    with pytest.raises(RunFolderError, match=message):
        calibration_extras(load_run(folder))


def test_half_a_file_to_calibrate_with_is_refused(folder: Path) -> None:
    """A file that is no archive is refused by its name."""
    (folder / "calibration.npz").write_bytes(b"PK")
    with pytest.raises(RunFolderError, match=r"calibration\.npz: expected images"):
        calibration_extras(load_run(folder))


def flagged_in_directory(archive: bytes) -> bytes:
    """Have an archive's directory say that its first member has a password."""
    flags = archive.rindex(b"PK\x01\x02") + 8
    return archive[:flags] + bytes([archive[flags] | 1]) + archive[flags + 1 :]


@pytest.mark.parametrize("part", ["cut", "changed", "pickle", "password"])
def test_damaged_images_to_calibrate_with_are_one_line(folder: Path, part: str) -> None:
    """However an archive is damaged, one line says so."""
    path = folder / "calibration.npz"
    np.savez(path, images=np.zeros((9, 28, 28), np.uint8))
    whole = path.read_bytes()
    damaged = {
        "cut": [whole[:end] for end in range(0, len(whole), 97)],
        "changed": [
            whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
            for at in (*range(200), *range(len(whole) - 120, len(whole)))
        ],
        "pickle": [pickle.dumps({"images": 1})],
        "password": [whole[:6] + b"\x01" + whole[7:], flagged_in_directory(whole)],
    }[part]
    told = []
    for content in damaged:
        path.write_bytes(content)
        try:
            assert calibration_extras(load_run(folder)).shape == (9, 28, 28)
        except RunFolderError as error:
            told.append(str(error))
    assert told
    assert all("expected images to calibrate with" in line or "must be (N" in line for line in told)
    assert all("\n" not in line and len(line) < 500 for line in told)


def test_a_reject_class_is_accepted(folder: Path) -> None:
    """A run may know an eleventh class besides the digits."""
    change(folder / "recipe.json", classes=[*CLASSES, "reject"])
    assert len(load_run(folder).classes) == 11


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.keras", "expected a finished training, missing model.keras; finish it"),
        ("recipe.json", "found no recipe.json in it; give one that digitcam-train made"),
        ("metrics.json", "expected a finished training, missing metrics.json; finish it"),
    ],
)
def test_an_unfinished_run_names_what_is_missing(folder: Path, name: str, message: str) -> None:
    """A run without one of its files is refused by the file's name."""
    (folder / name).unlink()
    with pytest.raises(RunError, match=message):
        load_run(folder)


def test_no_run_at_all(tmp_path: Path) -> None:
    """A folder that is not there, or is none, is refused with what to do."""
    with pytest.raises(RunError, match="found nothing; make one with digitcam-train"):
        load_run(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="found a file; make one with digitcam-train"):
        load_run(tmp_path / "file")


def test_a_truncated_model_is_refused(folder: Path) -> None:
    """Half a model is called damaged before TensorFlow is loaded."""
    model = folder / "model.keras"
    model.write_bytes(model.read_bytes()[:-2000])
    with pytest.raises(RunFolderError, match="expected a whole Keras model"):
        load_run(folder)


def test_a_flipped_bit_is_noticed(folder: Path) -> None:
    """A model whose archive fails its checksum is refused by the part that is damaged."""
    model = folder / "model.keras"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(RunFolderError, match=r"found weights\.npy in it damaged"):
        load_run(folder)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("recipe.json", {"format": 99}, "format must be 1, found 99"),
        ("recipe.json", {"preprocessing": "sha256:0"}, "trained for preprocessing sha256:0"),
        ("recipe.json", {"classes": None}, "classes must be the digits 0 to 9 in order, .* None"),
        ("recipe.json", {"classes": CLASSES[::-1]}, "in order"),
        (
            "recipe.json",
            {"classes": [*CLASSES, "blot"]},
            "perhaps with 'reject' and 'several' after them",
        ),
        ("recipe.json", {"classes": ["reject", *CLASSES]}, "classes must be"),
        (
            "metrics.json",
            {"temperature": "warm"},
            "temperature must be from 0.05 to 20, found 'warm'",
        ),
        ("metrics.json", {"temperature": -1}, "must be from 0.05 to 20, found -1"),
        ("metrics.json", {"temperature": float("nan")}, "must be from 0.05 to 20, found nan"),
        ("metrics.json", {"min_confidence": "high"}, "min_confidence must be from 0 to 1"),
        ("metrics.json", {"min_confidence": 1.5}, "must be from 0 to 1, found 1.5"),
        ("metrics.json", {"min_confidence": float("nan")}, "must be from 0 to 1, found nan"),
    ],
)
def test_impossible_values_are_named(
    folder: Path, name: str, values: dict[str, object], message: str
) -> None:
    """A value of another version or form is refused with the file, the key and what was found."""
    change(folder / name, **values)
    with pytest.raises(RunError, match=message) as refused:
        load_run(folder)
    assert name in str(refused.value)


def test_broken_json_is_refused(folder: Path) -> None:
    """A recipe that is no JSON is refused by its name."""
    (folder / "recipe.json").write_text('{"format": 1,')
    with pytest.raises(RunError, match=r"recipe\.json: expected a JSON file"):
        load_run(folder)


def test_other_data_is_refused(folder: Path) -> None:
    """Digits other than the run's are refused by the arrays that differ."""
    x, y = np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.uint8)
    data = DigitData(x, y, x, y)
    change(folder / "recipe.json", data=data.digests())
    recipe = load_run(folder).recipe
    check_data(folder, recipe, data)
    with pytest.raises(RunFolderError, match=r"\(y_test differ\)"):
        check_data(folder, recipe, DigitData(x, y, x, np.ones(1, np.uint8)))
