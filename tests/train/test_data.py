"""Digits are taken from every layout that promises them, and from nothing else."""

import gzip
import hashlib
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.train.data import DATA_VARIABLE, IDX_FILES, MNIST_SHA256, DigitData, load_digits
from digitcam.train.errors import DataError


def idx(array: NDArray[np.uint8]) -> bytes:
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()


def write_idx(folder: Path, digits: DigitData) -> None:
    for key, name in IDX_FILES.items():
        (folder / name).write_bytes(gzip.compress(idx(getattr(digits, key)), 1))


def assert_same(found: DigitData, expected: DigitData) -> None:
    for key in IDX_FILES:
        array = getattr(found, key)
        assert array.dtype == np.uint8
        assert np.array_equal(array, getattr(expected, key)), key


def refusal(path: Path, **options: Any) -> str:
    """Return the one line with which a path is refused."""
    with pytest.raises(DataError) as caught:
        load_digits(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_keras_layout_is_read(digits: DigitData, digits_npz: Path) -> None:
    """A Keras-layout .npz gives its four arrays, unchanged."""
    assert_same(load_digits(digits_npz), digits)


def test_folder_with_the_npz_is_read(digits: DigitData, digits_npz: Path) -> None:
    """A folder that holds mnist.npz stands for it."""
    assert_same(load_digits(digits_npz.parent), digits)


def test_folder_with_idx_files_is_read(digits: DigitData, tmp_path: Path) -> None:
    """The four IDX .gz files, as MNIST was published, give the same arrays."""
    write_idx(tmp_path, digits)
    assert_same(load_digits(tmp_path), digits)


def test_environment_names_the_data(
    digits: DigitData, digits_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DIGITCAM_DATA is used where no path is given, and an argument goes before it."""
    monkeypatch.setenv(DATA_VARIABLE, str(digits_npz))
    assert_same(load_digits(), digits)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "absent"))
    assert_same(load_digits(digits_npz), digits)
    with pytest.raises(DataError, match=r"absent: expected .* found nothing; .*--data or DIGITCAM"):
        load_digits()


def test_labels_of_any_integer_type_are_taken(digits: DigitData, tmp_path: Path) -> None:
    """Labels of 64 bits, which Keras-layout files of other origins have, become uint8."""
    wide = {key: getattr(digits, key).astype(np.int64) for key in ("y_train", "y_test")}
    np.savez(tmp_path / "mnist.npz", **{**vars(digits), **wide})
    assert_same(load_digits(tmp_path), digits)


def test_digests_tell_data_sets_apart(digits: DigitData, digits_npz: Path, tmp_path: Path) -> None:
    """Digests depend on the pixels and labels alone: not on the layout, but on every bit."""
    write_idx(tmp_path, digits)
    assert load_digits(tmp_path).digests() == load_digits(digits_npz).digests()
    changed = digits.x_train.copy()
    changed[-1, -1, -1] ^= 1
    other = DigitData(changed, digits.y_train, digits.x_test, digits.y_test).digests()
    differing = [key for key, digest in digits.digests().items() if digest != other[key]]
    assert differing == ["x_train"]


Change = Callable[[NDArray[Any]], NDArray[Any]]


def blank_one(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    images = images.copy()
    images[3] = 10
    return images


def with_label(label: int, dtype: type[np.integer[Any]]) -> Change:
    def change(labels: NDArray[Any]) -> NDArray[Any]:
        labels = labels.astype(dtype)
        labels[5] = label
        return labels

    return change


@pytest.mark.parametrize(
    ("key", "change", "expected", "found"),
    [
        ("x_train", lambda x: x[:, :27], "uint8 (N, 28, 28)", "uint8 (240, 27, 28)"),
        ("x_test", lambda x: x.reshape(-1, 784), "uint8 (N, 28, 28)", "uint8 (60, 784)"),
        ("x_train", lambda x: x / np.float32(255), "uint8 (N, 28, 28)", "float32 (240, 28, 28)"),
        ("x_test", lambda x: x[:0], "uint8 (N, 28, 28)", "uint8 (0, 28, 28)"),
        ("x_train", lambda x: 255 - x, "white ink on black", "mean level of 2"),
        ("x_test", blank_one, "ink in every image", "1 without, the first at 3"),
        ("y_train", lambda y: y[:-1], "240 labels from 0 to 9", "uint8 (239,)"),
        ("y_test", lambda y: y.astype(np.float32), "60 labels from 0 to 9", "float32 (60,)"),
        ("y_test", lambda y: np.eye(10, dtype=np.uint8)[y], "60 labels", "uint8 (60, 10)"),
        ("y_train", with_label(10, np.uint8), "240 labels from 0 to 9", "from 0 to 10"),
        ("y_test", with_label(-1, np.int8), "60 labels from 0 to 9", "from -1 to 9"),
    ],
)
def test_arrays_of_another_form_are_refused(
    digits: DigitData, tmp_path: Path, key: str, change: Change, expected: str, found: str
) -> None:
    """An array of another form gets a line with its name, its form and the right one."""
    path = tmp_path / "other.npz"
    np.savez(path, **{**vars(digits), key: change(getattr(digits, key))})
    message = refusal(path)
    assert f"{key} must " in message
    assert expected in message
    assert found in message.split("found")[1]


def test_missing_arrays_are_named(digits: DigitData, tmp_path: Path) -> None:
    """An .npz of another layout is refused with the arrays expected and those it has of them."""
    path = tmp_path / "half.npz"
    np.savez(path, x_train=digits.x_train, labels=digits.y_train)
    assert "expected arrays x_train, y_train, x_test, y_test, found x_train;" in refusal(path)
    np.savez(path, images=digits.x_train)
    assert "found none of them" in refusal(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", b"five hundred digits\n", b"\x93NUMPY"],
    ids=["empty", "signature alone", "text", "array signature"],
)
def test_what_is_no_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that is no .npz is refused as such."""
    path = tmp_path / "mnist.npz"
    path.write_bytes(content)
    assert "expected a Keras-layout .npz, cannot read it: " in refusal(path)


def test_single_array_is_no_npz(digits: DigitData, tmp_path: Path) -> None:
    """A lone array in NumPy's own format is refused, though NumPy could load it."""
    np.save(tmp_path / "mnist.npy", digits.x_train)
    assert "expected a Keras-layout .npz" in refusal(tmp_path / "mnist.npy")


def test_pickled_objects_are_not_loaded(digits: DigitData, tmp_path: Path) -> None:
    """An array of Python objects, which could run code, is refused."""
    objects = np.array([{"label": 1}] * len(digits.y_test), dtype=object)
    np.savez(tmp_path / "mnist.npz", **{**vars(digits), "y_test": objects})
    assert "allow_pickle" in refusal(tmp_path / "mnist.npz")


@pytest.mark.parametrize("part", [0.2, 0.7, 0.99])
def test_truncated_npz_is_refused(digits_npz: Path, tmp_path: Path, part: float) -> None:
    """A download that broke off is refused wherever it ends."""
    content = digits_npz.read_bytes()
    path = tmp_path / "mnist.npz"
    path.write_bytes(content[: int(part * len(content))])
    assert "cannot read it: File is not a zip file; get it anew" in refusal(path)


def test_damaged_npz_never_gives_other_digits(
    digits: DigitData, digits_npz: Path, tmp_path: Path
) -> None:
    """With one byte damaged, anywhere, a file is refused in one line or read as it was."""
    content = digits_npz.read_bytes()
    path = tmp_path / "mnist.npz"
    rng = np.random.default_rng(0)
    # The ends hold the archive's own headers, where most kinds of damage can be done.
    places = {*rng.integers(len(content), size=60).tolist(), *range(60)}
    refused = 0
    for place in (*places, *range(len(content) - 250, len(content))):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert_same(load_digits(path), digits)
        except DataError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 100


def test_idx_files_must_all_be_there(digits: DigitData, tmp_path: Path) -> None:
    """A folder without data, or with part of it, is refused with what is missing."""
    message = refusal(tmp_path)
    assert all(name in message for name in IDX_FILES.values())
    write_idx(tmp_path, digits)
    (tmp_path / IDX_FILES["y_test"]).unlink()
    assert f"missing {IDX_FILES['y_test']}; put" in refusal(tmp_path)


def gz(content: bytes) -> bytes:
    return gzip.compress(content, 1)


def damaged_gz(array: NDArray[np.uint8]) -> bytes:
    content = bytearray(gz(idx(array)))
    content[10] |= 0b110  # A kind of block that there is none of (RFC 1951, 3.2.3).
    return bytes(content)


def lying(array: NDArray[np.uint8], count: int) -> bytes:
    return gz(idx(array)[:4] + struct.pack(">I", count) + idx(array)[8:])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda x: gz(idx(x))[:-900], "expected a gzip file, cannot read it"),
        (damaged_gz, "expected a gzip file, cannot read it: .* invalid block type"),
        (idx, "expected a gzip file, cannot read it: Not a gzipped file"),
        (lambda x: lying(x, 241), r"header promises \(241, 28, 28\), found 188160 bytes"),
        (lambda x: lying(x, 2**32 - 1), r"header promises \(4294967295, 28, 28\), found 188160"),
        (lambda x: gz(b"\0\0\x0d" + idx(x)[3:]), r"IDX file of unsigned bytes, found b'\\x00"),
        (lambda x: gz(b"\0\0\x08\x09" + idx(x)[4:]), "IDX file of unsigned bytes"),
        (lambda x: gz(idx(x)[:10]), "IDX file of unsigned bytes"),
        (lambda _: gz(b""), "IDX file of unsigned bytes, found b''"),
        (lambda x: gz(idx(x[0])), r"x_train must be uint8 \(N, 28, 28\), found uint8 \(28, 28\)"),
        (lambda x: gz(idx(x[:9])), r"y_train must be 9 labels from 0 to 9, found uint8 \(240,\)"),
    ],
    ids=[
        "truncated",
        "damaged",
        "not compressed",
        "one digit less than promised",
        "header of gigabytes",
        "floats",
        "nine dimensions",
        "header cut off",
        "nothing",
        "one image",
        "fewer images than labels",
    ],
)
def test_spoiled_idx_files_are_refused(
    digits: DigitData, tmp_path: Path, spoil: Callable[[NDArray[np.uint8]], bytes], reason: str
) -> None:
    """An IDX file that is cut, damaged or of another kind is refused with what was found."""
    write_idx(tmp_path, digits)
    (tmp_path / IDX_FILES["x_train"]).write_bytes(spoil(digits.x_train))
    with pytest.raises(DataError, match=reason) as caught:
        load_digits(tmp_path)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_missing_path_is_refused(tmp_path: Path) -> None:
    """A path where nothing is gets a line with the ways to give another."""
    message = refusal(tmp_path / "nowhere")
    assert "found nothing; give the path with --data or DIGITCAM_DATA" in message


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep requests out of the tests' output."""


@pytest.fixture
def server(digits_npz: Path) -> Iterator[ThreadingHTTPServer]:
    """A web server on loopback that has mnist.npz."""
    handler = partial(QuietHandler, directory=str(digits_npz.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def url_of(server: ThreadingHTTPServer, name: str = "mnist.npz") -> str:
    return f"http://127.0.0.1:{server.server_port}/{name}"


def refused_download(keras_call: Callable[..., Any], url: str, cache: Path) -> str:
    """Return the one line with which a download of MNIST is refused."""
    failure: str = keras_call("download", url, MNIST_SHA256, cache).failure
    assert "\n" not in failure
    assert failure.startswith(
        f"DataError: no data: {DATA_VARIABLE} is not set and {url} cannot be downloaded"
    )
    assert failure.endswith("give the path of mnist.npz with --data")
    return failure


def test_download_goes_to_the_cache(
    keras_call: Callable[..., Any],
    digits: DigitData,
    digits_npz: Path,
    server: ThreadingHTTPServer,
    tmp_path: Path,
) -> None:
    """Data is downloaded with a progress bar, once: the next call needs no network."""
    sha256 = hashlib.sha256(digits_npz.read_bytes()).hexdigest()
    first = keras_call("download", url_of(server), sha256, tmp_path)
    assert first.value == digits.digests()
    size = digits_npz.stat().st_size
    assert f"{size}/{size}" in first.out
    server.shutdown()
    second = keras_call("download", url_of(server), sha256, tmp_path)
    assert second.value == digits.digests()
    assert second.out == ""


def test_download_of_something_else_is_refused(
    keras_call: Callable[..., Any], server: ThreadingHTTPServer, tmp_path: Path
) -> None:
    """A file that is not MNIST, by its hash, is refused, the second time too."""
    for _ in range(2):
        message = refused_download(keras_call, url_of(server), tmp_path)
        assert "hash does not match" in message


def test_missing_download_is_refused(
    keras_call: Callable[..., Any], server: ThreadingHTTPServer, tmp_path: Path
) -> None:
    """A server that has no such file gets its answer repeated, and no file is left."""
    assert "404" in refused_download(keras_call, url_of(server, "absent.npz"), tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_no_network_is_refused(keras_call: Callable[..., Any], tmp_path: Path) -> None:
    """Without a server there is one line that says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    url = f"http://127.0.0.1:{port}/mnist.npz"
    assert "refused" in refused_download(keras_call, url, tmp_path)


def test_download_without_keras_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Keras is not installed, the line names the extra and the other way."""
    monkeypatch.setitem(sys.modules, "keras", None)  # An import of it then fails.
    with pytest.raises(DataError, match=r"no data: .*'digitcam\[train\]' or give .* --data$"):
        load_digits()
