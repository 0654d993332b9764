"""Packs of strokes: what is read, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.train.errors import DataError
from digitcam.train.pens.strokes import load_strokes
from digitcam.train.pens.unipen import load_numbers

Arrays = dict[str, NDArray[Any]]


def test_strokes_come_back_as_they_were_recorded(tmp_path: Path, digits_pack: Arrays) -> None:
    """Each sample has its own strokes, in the order of writing."""
    np.savez(tmp_path / "some_digits.npz", **digits_pack)
    pack = load_strokes(tmp_path / "some_digits.npz")
    assert len(pack) == 20
    assert pack.label[4] == "4"
    strokes = pack.strokes_of(4)
    first = digits_pack["sample"][4]
    bounds = digits_pack["stroke"]
    assert len(strokes) == digits_pack["sample"][5] - first
    for k, stroke in enumerate(strokes, first):
        np.testing.assert_array_equal(stroke, digits_pack["points"][bounds[k] : bounds[k + 1]])


def _without(name: str) -> Callable[[Arrays], None]:
    return lambda arrays: arrays.__delitem__(name)


def _put(name: str, index: int, value: int | str) -> Callable[[Arrays], None]:
    return lambda arrays: np.put(arrays[name], index, value)


def _as(name: str, dtype: str) -> Callable[[Arrays], None]:
    return lambda arrays: arrays.__setitem__(name, arrays[name].astype(dtype))


def _cut(name: str, stop: int) -> Callable[[Arrays], None]:
    return lambda arrays: arrays.__setitem__(name, arrays[name][:stop])


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_without("points"), "missing points"),
        (_without("label"), "missing label"),
        (_as("points", "float32"), "points must be int16"),
        (_as("stroke", "float64"), "stroke must be whole numbers"),
        (_as("writer", "U3"), "writer must be whole numbers"),
        (_put("stroke", -1, 10**6), "stroke offsets from 0 to"),
        (_put("stroke", 3, 0), "stroke offsets that rise"),
        (_put("sample", 0, 1), "sample offsets from 0 to"),
        (_put("sample", 2, 9), "sample offsets that rise"),
        (_put("label", 0, ""), "one of 0 to 9 in label, found ''"),
        (_put("label", 0, "a"), "one of 0 to 9 in label, found 'a'"),
        (_put("writer", 0, 2), "writer from 0 to 1"),
        (_cut("label", 4), "20 entries in label"),
    ],
)
def test_a_bad_pack_is_one_clear_line(
    tmp_path: Path, digits_pack: Arrays, damage: Callable[[Arrays], None], says: str
) -> None:
    """What is wrong, where, and what to do stand in one line that names the file."""
    damage(digits_pack)
    path = tmp_path / "unipen_digits.npz"
    np.savez(path, **digits_pack)
    with pytest.raises(DataError) as error:
        load_strokes(path)
    message = str(error.value)
    assert says in message
    assert message.startswith(str(path))
    assert "\n" not in message
    assert ";" in message


@pytest.mark.parametrize("text", ["1", "12345678901", "12a", ""])
def test_a_number_has_two_to_ten_digits(tmp_path: Path, digits_pack: Arrays, text: str) -> None:
    """Texts that are no number of 2 to 10 digits are refused."""
    digits_pack["text"] = np.array([text] + ["42"] * 19)
    del digits_pack["label"]
    np.savez(tmp_path / "strings.npz", **digits_pack)
    with pytest.raises(DataError, match="2 to 10 digits in text"):
        load_strokes(tmp_path / "strings.npz")


@pytest.mark.parametrize("content", [b"", b"PK", b"not a pack"])
def test_a_file_that_is_no_pack_is_refused(tmp_path: Path, content: bytes) -> None:
    """Damage is a DataError too, as is a missing file."""
    (tmp_path / "x.npz").write_bytes(content)
    for name in ("x.npz", "y.npz"):
        with pytest.raises(DataError, match="cannot read it"):
            load_strokes(tmp_path / name)


def test_numbers_of_a_contributor_are_left_out(tmp_path: Path, digits_pack: Arrays) -> None:
    """Only the others' numbers are listed, and none if all of UNIPEN is left out."""
    digits_pack["text"] = np.array(["42"] * 20)
    del digits_pack["label"]
    (tmp_path / "strokes").mkdir()
    np.savez(tmp_path / "strokes" / "unipen_strings.npz", **digits_pack)
    pack, rest = load_numbers(tmp_path, without=["unipen:aaa"])
    assert {pack.source[index] for index in rest} == {"bbb"}
    assert load_numbers(tmp_path, without=["unipen"])[1] == []


def test_the_real_packs_load(data: Path) -> None:
    """All three packs pass every check."""
    sizes = {"digits": 14_995, "strings": 649, "letters": 24_428}
    for name, size in sizes.items():
        assert len(load_strokes(data / "strokes" / f"unipen_{name}.npz")) == size
