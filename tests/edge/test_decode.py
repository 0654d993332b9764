"""Files as they come from phones, scanners and drawing programs, whole and broken."""

import base64
import os
import resource
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitcam.edge.decode import MAX_BYTES, MAX_MEGAPIXELS, decode_bytes, decode_file, luma_of
from digitcam.edge.errors import ImageError

LOSSY_STEPS = 6
"""Gray steps that JPEG and lossy WebP may move a flat area by."""

# 8 x 8, left half black ink, right half none, written by Pillow 13 with the Adobe marker.
CMYK_JPEG = base64.b64decode(
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4LCxAW"
    "EBETFBUVFQwPFxgWFBgSFBUU/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EABUAAQEAAAAAAAAAAAAAAAAAAAkB/8QAGBAB"
    "AAMBAAAAAAAAAAAAAAAAAAlHhcT/2gAOBEMATQBZAEsAAD8AVMqZU0gxuzE73//Z"
)


def encode(extension: str, image: NDArray[Any], *parameters: int) -> bytes:
    ok, data = cv2.imencode(extension, image, parameters)
    assert ok
    return data.tobytes()


def picture(width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    """Four flat quarters, no two alike, so that every turn and mirror image shows."""
    quarters = np.array([[0, 80], [160, 240]], np.uint8)
    return np.kron(quarters, np.ones((height // 2, width // 2), np.uint8))


# How a viewer shows the stored picture for each value of EXIF tag 274.
UPRIGHT = {
    1: picture(),
    2: np.fliplr(picture()),
    3: np.rot90(picture(), 2),
    4: np.flipud(picture()),
    5: picture().T,
    6: np.rot90(picture(), -1),
    7: np.rot90(picture().T, 2),
    8: np.rot90(picture(), 1),
}


def exif(orientation: int, order: str = "<") -> bytes:
    mark = {"<": b"II", ">": b"MM"}[order]
    header = mark + struct.pack(order + "HIH", 42, 8, 1)
    return header + struct.pack(order + "HHIHHI", 274, 3, 1, orientation, 0, 0)


def with_app1(jpeg: bytes, payload: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload + jpeg[2:]


def jpeg_turned(orientation: int, order: str = "<") -> bytes:
    return with_app1(encode(".jpg", picture()), b"Exif\0\0" + exif(orientation, order))


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    """Make a PNG by hand; `rows` has a filter byte before each row."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + extra
        + png_chunk(b"IDAT", zlib.compress(rows, 9))
        + png_chunk(b"IEND", b"")
    )


def png_turned(orientation: int) -> bytes:
    data = encode(".png", picture())
    return data[:33] + png_chunk(b"eXIf", exif(orientation)) + data[33:]


def webp_turned(orientation: int) -> bytes:
    height, width = picture().shape
    meta = exif(orientation)
    flags = struct.pack("<II", 10, 8) + (width - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + flags + (height - 1).to_bytes(3, "little")
    body += encode(".webp", picture())[12:] + b"EXIF" + struct.pack("<I", len(meta)) + meta
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(width: int, height: int, changed: dict[int, int], pixels: bytes = b"") -> bytes:
    """Make an uncompressed gray TIFF by hand, the pixels last."""
    values = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 0, 274: 1}
    values |= {277: 1, 278: height, 279: width * height} | changed
    values[273] = 14 + 12 * len(values)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, values[tag]) for tag in sorted(values))
    return b"II*\0" + struct.pack("<IH", 8, len(values)) + entries + bytes(4) + pixels


def tiff_turned(orientation: int) -> bytes:
    height, width = picture().shape
    return tiff(width, height, {274: orientation}, picture().tobytes())


def webp_lossless(image: NDArray[np.uint8]) -> bytes:
    return encode(".webp", image, cv2.IMWRITE_WEBP_QUALITY, 101)


def check_same(luma: NDArray[np.uint8], expected: NDArray[np.uint8], steps: int = 0) -> None:
    assert luma.dtype == np.uint8
    assert luma.flags.c_contiguous
    assert luma.shape == expected.shape
    assert int(np.abs(luma.astype(int) - expected).max()) <= steps


def refusal(data: bytes, source: str = "note") -> str:
    with pytest.raises(ImageError) as caught:
        decode_bytes(data, source, work_size_px=1280)
    message = str(caught.value)
    assert message.startswith(f"{source}: ")
    assert message.isprintable()
    return message


# --- orientation -----------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("turned", [jpeg_turned, png_turned, webp_turned, tiff_turned])
def test_every_orientation_is_undone_in_every_format(turned: Any, orientation: int) -> None:
    """A photo held any way up comes out as a viewer shows it, with the size it is shown in."""
    decoded = decode_bytes(turned(orientation), "note", work_size_px=1280)
    expected = UPRIGHT[orientation]
    check_same(decoded.luma, expected, LOSSY_STEPS)
    assert (decoded.height, decoded.width) == expected.shape


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_reduced_jpeg_is_upright_and_keeps_the_given_size(orientation: int) -> None:
    """Reducing changes the luma's size only."""
    decoded = decode_bytes(jpeg_turned(orientation, ">"), "note", work_size_px=24)
    expected = UPRIGHT[orientation]
    check_same(decoded.luma, expected[::4, ::4], LOSSY_STEPS)
    assert (decoded.height, decoded.width) == expected.shape


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_unknown_orientation_is_none(orientation: int) -> None:
    """A value that EXIF does not define leaves the picture as it is stored."""
    decoded = decode_bytes(jpeg_turned(orientation), "note", work_size_px=1280)
    check_same(decoded.luma, picture(), LOSSY_STEPS)


@pytest.mark.parametrize("broken", [b"", b"II", exif(6)[:12], b"II*\0\xff\xff\xff\xff", b"x" * 40])
def test_broken_exif_is_ignored(broken: bytes) -> None:
    """EXIF that makes no sense says nothing about the pixels."""
    data = with_app1(encode(".jpg", picture()), b"Exif\0\0" + broken)
    check_same(decode_bytes(data, "note", work_size_px=1280).luma, picture(), LOSSY_STEPS)


# --- reduced decoding ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("work_size_px", "luma_long_side"),
    [(1601, 1601), (1600, 1601), (801, 1601), (800, 801), (400, 401), (200, 201), (20, 201)],
)
def test_jpeg_is_reduced_but_not_below_the_working_size(
    work_size_px: int, luma_long_side: int
) -> None:
    """The largest of 1/8, 1/4, 1/2 is taken that leaves the working size; 1/8 is the limit."""
    data = encode(".jpg", np.full((1203, 1601), 200, np.uint8))
    decoded = decode_bytes(data, "note", work_size_px=work_size_px)
    assert max(decoded.luma.shape) == luma_long_side
    assert (decoded.width, decoded.height) == (1601, 1203)


def test_reduced_strokes_keep_their_ink() -> None:
    """A pen stroke of 8 px at 1/8 is as dark as averaging makes it, within 12 gray steps."""
    page = np.full((800, 800), 230, np.uint8)
    cv2.line(page, (96, 400), (700, 400), (40.0,), 8)
    reduced = decode_bytes(encode(".jpg", page), "note", work_size_px=100).luma
    averaged = cv2.resize(page, (100, 100), interpolation=cv2.INTER_AREA)
    check_same(reduced, np.asarray(averaged, np.uint8), 12)


# --- kinds of pixels -------------------------------------------------------------------------


@pytest.mark.parametrize("extension", [".png", ".bmp", ".tiff", ".jpg", ".webp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_gray_and_colour_give_the_same_luma(extension: str, channels: int) -> None:
    """A gray picture reads the same, whether it was saved as gray or as colour."""
    image = picture() if channels == 1 else np.dstack([picture()] * 3)
    decoded = decode_bytes(encode(extension, image), "note", work_size_px=1280)
    check_same(decoded.luma, picture(), LOSSY_STEPS if extension in (".jpg", ".webp") else 0)


@pytest.mark.parametrize("extension", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_are_scaled_to_eight(extension: str, channels: int) -> None:
    """65535 is white and 257 is one step, in gray and in colour."""
    wide = picture().astype(np.uint16) * 257
    image = wide if channels == 1 else np.dstack([wide] * 3)
    decoded = decode_bytes(encode(extension, image), "note", work_size_px=1280)
    check_same(decoded.luma, picture())


@pytest.mark.parametrize(
    ("extension", "bits"), [(".png", 8), (".png", 16), (".tiff", 8), (".tiff", 16), (".webp", 8)]
)
def test_black_ink_on_transparent_paper_is_black_on_white(extension: str, bits: int) -> None:
    """Alpha is laid on white; dropping it would make ink and paper both black."""
    image = np.zeros((16, 16, 4), np.uint8)
    image[4:8, 4:8, 3] = 255
    image[8:12, 4:8, 3] = 128
    expected = np.full((16, 16), 255, np.uint8)
    expected[4:8, 4:8] = 0
    expected[8:12, 4:8] = 127
    wide = image.astype(np.uint16) * 257 if bits == 16 else image
    data = webp_lossless(image) if extension == ".webp" else encode(extension, wide)
    check_same(decode_bytes(data, "note", work_size_px=1280).luma, expected)


def test_premultiplied_tiff_is_not_multiplied_again() -> None:
    """OpenCV gives 8-bit TIFF colours times alpha: half of white is then white, not gray."""
    image = np.full((8, 8, 4), 128, np.uint8)
    decoded = decode_bytes(encode(".tiff", image), "note", work_size_px=1280)
    check_same(decoded.luma, np.full((8, 8), 255, np.uint8))


def test_sixteen_bit_tiff_is_multiplied_by_its_alpha() -> None:
    """OpenCV gives 16-bit colours as stored: half of mid-gray is 191, off by one step at most."""
    image = np.full((8, 8, 4), 128 * 257, np.uint16)
    decoded = decode_bytes(encode(".tiff", image), "note", work_size_px=1280)
    check_same(decoded.luma, np.full((8, 8), 191, np.uint8), 1)


def test_padding_in_bmp_is_not_alpha() -> None:
    """The fourth byte of a 32-bit BMP is zero as often as not, and the picture still shows."""
    rows = np.dstack([picture()] * 3 + [np.zeros_like(picture())])
    height, width = picture().shape
    info = struct.pack("<IiiHHIIiiII", 40, width, -height, 1, 32, 3, rows.size, 0, 0, 0, 0)
    info += struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)
    data = b"BM" + struct.pack("<IHHI", 66 + rows.size, 0, 0, 66) + info + rows.tobytes()
    check_same(decode_bytes(data, "note", work_size_px=1280).luma, picture())


def test_one_bit_png() -> None:
    """A scan of one bit a pixel has 0 and 255."""
    data = png(8, 2, 1, 0, b"\0\xf0\0\x0f")
    expected = np.array([[255] * 4 + [0] * 4, [0] * 4 + [255] * 4], np.uint8)
    check_same(decode_bytes(data, "note", work_size_px=1280).luma, expected)


def test_palette_png_with_transparency() -> None:
    """Palette entries are looked up, and a transparent one is paper."""
    palette = png_chunk(b"PLTE", bytes([0, 0, 0, 90, 90, 90, 0, 0, 0])) + png_chunk(
        b"tRNS", bytes([255, 255, 0])
    )
    data = png(3, 1, 8, 3, b"\0\0\1\2", palette)
    expected = np.array([[0, 90, 255]], np.uint8)
    check_same(decode_bytes(data, "note", work_size_px=1280).luma, expected)


def test_cmyk_jpeg() -> None:
    """Black ink of a print-shop JPEG is black, not its negative."""
    expected = np.array([[0] * 4 + [255] * 4] * 8, np.uint8)
    check_same(decode_bytes(CMYK_JPEG, "note", work_size_px=1280).luma, expected, LOSSY_STEPS)


def test_progressive_jpeg() -> None:
    """A progressive JPEG reads like a baseline one."""
    data = encode(".jpg", picture(), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    check_same(decode_bytes(data, "note", work_size_px=1280).luma, picture(), LOSSY_STEPS)


def test_luma_is_the_jpegs_own() -> None:
    """No detour over BGR: the luma is the Y plane, bit by bit."""
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encode(".jpg", noise)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    check_same(decode_bytes(data, "note", work_size_px=64).luma, np.asarray(expected, np.uint8))


@pytest.mark.parametrize("appended", [bytes(4096), b"\0\0\0\x18ftypmp42" + bytes(99), b"\n"])
def test_data_after_a_jpeg_is_no_damage(appended: bytes) -> None:
    """Padding and motion photos go on after the picture's end."""
    data = encode(".jpg", picture()) + appended
    check_same(decode_bytes(data, "note", work_size_px=1280).luma, picture(), LOSSY_STEPS)


def test_fill_bytes_before_a_jpeg_marker_are_no_damage() -> None:
    """Any number of FF may come before a marker (ITU T.81, B.1.1.2)."""
    data = jpeg_turned(6)
    data = data[:2] + b"\xff\xff\xff" + data[2:]
    check_same(decode_bytes(data, "note", work_size_px=1280).luma, UPRIGHT[6], LOSSY_STEPS)


# --- arrays ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [None, 1, 3, 4])
def test_arrays_of_every_accepted_form(dtype: Any, channels: int | None) -> None:
    """Gray, BGR and opaque BGRA of either depth have one luma."""
    image = picture() if channels is None else np.dstack([picture()] * channels)
    if channels == 4:
        image[..., 3] = 255
    check_same(luma_of(image.astype(dtype) * (257 if dtype == np.uint16 else 1)), picture())


def test_bgr_is_weighed_as_bgr() -> None:
    """Blue, green and red weigh 0.114, 0.587 and 0.299 (ITU-R BT.601)."""
    check_same(luma_of(np.eye(3, dtype=np.uint8)[None] * 255), np.array([[29, 150, 76]], np.uint8))


@pytest.mark.parametrize("view", [np.s_[::-1, ::-1], np.s_[::2, ::3], np.s_[5:9, 7:20]])
def test_views_are_made_contiguous(view: Any) -> None:
    """A flipped, thinned or cut view reads like its copy."""
    check_same(luma_of(picture()[view]), picture()[view].copy())
    check_same(luma_of(np.dstack([picture()] * 3)[view]), picture()[view].copy())


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4), bool),
        np.zeros((4, 4), np.int16),
        np.zeros((4, 4), ">u2"),
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        [[0, 255], [255]],
        None,
        "note.jpg",
    ],
)
def test_other_arrays_are_refused(image: Any) -> None:
    """Anything else is refused in one line that says what is accepted and what came."""
    with pytest.raises(
        ImageError, match=r"^expected a uint8 or uint16 array .*found .*convert it$"
    ):
        luma_of(image)


# --- what is no picture ----------------------------------------------------------------------


@pytest.mark.parametrize("junk", [b"1", b"\xff\xd8", b"BM"[:1], b"not an image\n" * 99, bytes(999)])
def test_other_files_are_told_what_is_read(junk: bytes) -> None:
    """The message names the formats."""
    assert "expected a JPEG, PNG, BMP, WebP or TIFF image, found something else" in refusal(junk)


def test_empty_file() -> None:
    """A camera that lost power leaves an empty file."""
    assert "found an empty file" in refusal(b"")


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"heif", b"mif1", b"msf1"])
def test_heic_is_named(brand: bytes) -> None:
    """A phone's HEIC is told apart and the way out is named."""
    data = b"\0\0\0\x18ftyp" + brand + bytes(99)
    message = refusal(data)
    assert message.startswith("note: HEIC is not supported; convert it with heif-convert")
    assert "Most Compatible" in message


@pytest.mark.parametrize(
    ("data", "name", "remedy"),
    [
        (b"\0\0\0\x18ftypavif", "AVIF", "heif-convert"),
        (b"GIF89a", "GIF", "IN.gif[0]"),
        (b"%PDF-1.7", "PDF", "pdftoppm"),
    ],
)
def test_formats_that_only_some_opencv_read_are_refused_by_all(
    data: bytes, name: str, remedy: str
) -> None:
    """The same file reads, or does not, on every machine; what makes it readable is named."""
    message = refusal(data + bytes(9))
    assert f"{name} is not supported; " in message
    assert remedy in message


@pytest.mark.parametrize(
    "extension", [".jp2", ".exr", ".hdr", ".pgm", ".ppm", ".pbm", ".pam", ".pfm", ".ras"]
)
def test_no_other_decoder_of_opencv_is_reached(extension: str) -> None:
    """What OpenCV could read beside the five formats is refused by its first bytes."""
    kind = np.float32 if extension in (".exr", ".hdr", ".pfm") else np.uint8
    try:
        data = encode(
            extension, np.zeros((64, 64, 1 if extension in (".pbm", ".pgm") else 3), kind)
        )
    except cv2.error as error:
        pytest.skip(f"this OpenCV does not write it: {error.err}")
    assert "found something else" in refusal(data)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32, np.uint32, np.int16])
def test_tiff_of_other_numbers_is_refused(kind: Any) -> None:
    """Scientific TIFFs have no black and white, and are refused before they are decoded."""
    height, width = 8, 8
    of = {"f": 3, "i": 2, "u": 1}[np.dtype(kind).kind]
    data = tiff(width, height, {258: np.dtype(kind).itemsize * 8, 339: of})
    assert "expected a TIFF of at most 16 unsigned bits, found" in refusal(data)
    if kind in (np.float32, np.float64):
        data = encode(".tiff", np.zeros((4, 4), kind))
        assert f"{np.dtype(kind).itemsize * 8} floating-point" in refusal(data)


def test_tiff_of_gray_and_alpha_is_refused() -> None:
    """OpenCV would drop the alpha and show black on black."""
    data = tiff_turned(1)
    spot = data.index(struct.pack("<HHII", 277, 4, 1, 1))
    data = data[:spot] + struct.pack("<HHII", 277, 4, 1, 2) + data[spot + 12 :]
    assert "gray and alpha is not supported; save as PNG" in refusal(data)


# --- damage ----------------------------------------------------------------------------------


def noisy() -> NDArray[np.uint8]:
    noise = np.random.default_rng(2).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (5, 5), 0), np.uint8)


FILES = {
    "jpeg": encode(".jpg", noisy()),
    "progressive": encode(".jpg", noisy(), cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "restarts": encode(".jpg", noisy(), cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "cmyk": CMYK_JPEG,
    "exif": jpeg_turned(6),
    "png": encode(".png", noisy()),
    "png exif": png_turned(6),
    "bmp": encode(".bmp", noisy()),
    "webp": encode(".webp", noisy(), cv2.IMWRITE_WEBP_QUALITY, 80),
    "webp lossless": webp_lossless(noisy()),
    "webp exif": webp_turned(6),
    "tiff": encode(".tiff", noisy()),
    "tiff turned": tiff_turned(6),
}


@pytest.mark.parametrize("name", FILES)
def test_truncated_files_are_refused_in_silence(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Cut anywhere, a file is refused by us, and OpenCV and its libraries print nothing."""
    data = FILES[name]
    for end in {1, 2, 3, 12, 20, 30, len(data) - 2, *range(40, len(data) - 2, len(data) // 23)}:
        message = refusal(data[:end])
        assert "cut short" in message or "damaged" in message or "found" in message, (end, message)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["jpeg", "progressive", "exif", "png", "webp"])
def test_truncation_is_named(name: str) -> None:
    """Half a file is said to be cut short, which is what to look for."""
    assert "is cut short" in refusal(FILES[name][: len(FILES[name]) // 2])


def test_a_thumbnails_end_is_not_the_pictures() -> None:
    """The end marker of an EXIF thumbnail does not hide that the picture has none."""
    whole = with_app1(FILES["jpeg"], b"Exif\0\0" + exif(1) + FILES["jpeg"])
    assert decode_bytes(whole, "note", work_size_px=80).width == 80
    assert "cut short" in refusal(whole[:-40])


def test_a_flipped_bit_in_a_png_is_found_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    """The checksum is checked before libpng complains on stderr."""
    data = bytearray(FILES["png"])
    data[len(data) // 2] ^= 1
    assert "PNG is damaged: a checksum is wrong" in refusal(bytes(data))
    assert capfd.readouterr() == ("", "")


def test_a_bad_colour_profile_is_not_talked_about(capfd: pytest.CaptureFixture[str]) -> None:
    """Some editors write profiles that libpng warns of; the picture is fine."""
    data = encode(".png", picture())
    data = data[:33] + png_chunk(b"iCCP", b"x\0\0" + zlib.compress(b"junk")) + data[33:]
    check_same(decode_bytes(data, "note", work_size_px=1280).luma, picture())
    assert capfd.readouterr() == ("", "")


def test_opencvs_log_level_is_given_back() -> None:
    """Another user of OpenCV in the process keeps the level that was set."""
    log: Any = getattr(cv2.utils, "logging", cv2)
    before = log.setLogLevel(5)
    try:
        refusal(FILES["bmp"][:100])
        assert log.getLogLevel() == 5
    finally:
        log.setLogLevel(before)


Edit = tuple[float, int, bytes]
edits: st.SearchStrategy[list[Edit]] = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 8), st.binary(max_size=8)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(name=st.sampled_from(sorted(FILES)), near_start=st.booleans(), edits=edits)
def test_damage_gives_a_picture_or_one_line(name: str, near_start: bool, edits: list[Edit]) -> None:
    """Whatever bytes are changed, dropped or put in, no other exception comes out."""
    data = bytearray(FILES[name])
    for where, dropped, inserted in edits:
        at = int(where * (min(200, len(data)) if near_start else len(data)))
        data[at : at + dropped] = inserted
    try:
        decoded = decode_bytes(bytes(data), "note", work_size_px=20)
    except ImageError:
        refusal(bytes(data))
        return
    assert decoded.luma.dtype == np.uint8
    assert decoded.luma.ndim == 2
    assert 1 <= max(decoded.luma.shape) <= max(decoded.width, decoded.height)


# --- size ------------------------------------------------------------------------------------


def header_only(width: int, height: int) -> dict[str, bytes]:
    """Files that claim a size and have next to no pixels."""
    sof = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width & 0xFFFF, 1) + b"\1\x11\0"
    webp = struct.pack("<I", width - 1 & 0xFFFFFF)[:3] + struct.pack("<I", height - 1)[:3]
    tags = struct.pack("<HHHIIHHII", 2, 256, 4, 1, width, 257, 4, 1, height)
    return {
        "PNG": png(width, height, 8, 0, b""),
        "JPEG": b"\xff\xd8" + sof + b"\xff\xda\0\x08\1\1\0\0\x3f\0\xff\xd9",
        "BMP": b"BM" + bytes(12) + struct.pack("<IiiHH", 40, width, height, 1, 8) + bytes(24),
        "WebP": b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<II", 10, 0) + webp,
        "TIFF": b"II*\0" + struct.pack("<I", 8) + tags + bytes(4),
    }


@pytest.mark.parametrize("name", header_only(1, 1))
def test_too_many_megapixels_are_refused_by_the_header(name: str) -> None:
    """200 megapixels are refused by every format's header alone."""
    message = refusal(header_only(20000, 10000)[name])
    assert f"expected 1 pixel to {MAX_MEGAPIXELS} megapixels" in message
    assert f"found {name} of 20000 x 10000" in message


def test_wider_than_opencv_takes_is_one_line() -> None:
    """A picture of few megapixels can still be too wide for OpenCV, which raises its own error."""
    width = 2**20 + 4
    header = header_only(width, 1)["BMP"]
    assert "OpenCV cannot decode it" in refusal(header + bytes(1024 + width))


@pytest.mark.parametrize("name", ["PNG", "JPEG", "BMP", "TIFF"])
def test_no_pixels_are_refused_by_the_header(name: str) -> None:
    """A picture without width is refused with its size (a WebP cannot have one)."""
    assert f"found {name} of 0 x 7" in refusal(header_only(0, 7)[name])


def test_a_bomb_is_refused_with_little_memory() -> None:
    """200 megapixels in a PNG of 200 kB cost less than 4 MiB and never reach the decoder."""
    deflate = zlib.compressobj(9)
    rows = b"".join(deflate.compress(bytes(20001)) for _ in range(10000)) + deflate.flush()
    header = struct.pack(">IIBBBBB", 20000, 10000, 8, 0, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header), png_chunk(b"IDAT", rows), png_chunk(b"IEND", b"")
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    refusal(bomb)
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak_kib < 4 * 2**10


# --- files -----------------------------------------------------------------------------------


def file_refusal(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        decode_file(path, work_size_px=1280)
    return str(caught.value)


def test_a_file_reads_like_its_bytes(tmp_path: Path) -> None:
    """decode_file is decode_bytes of what the file holds."""
    path = tmp_path / "note.jpg"
    path.write_bytes(jpeg_turned(6))
    decoded = decode_file(path, work_size_px=1280)
    check_same(decoded.luma, decode_bytes(jpeg_turned(6), "note", work_size_px=1280).luma)
    assert (decoded.width, decoded.height) == (64, 96)


def test_a_files_name_starts_the_message(tmp_path: Path) -> None:
    """The line says which of many files it is about."""
    path = tmp_path / "note.png"
    path.write_bytes(FILES["png"][:-30])
    assert file_refusal(path).startswith(f"{path}: PNG is cut short")


def test_a_name_with_a_line_break_stays_in_one_line(tmp_path: Path) -> None:
    """No file name makes two lines of one."""
    path = tmp_path / "no\nte.png"
    path.write_bytes(b"")
    assert file_refusal(path).isprintable()


def test_a_missing_file(tmp_path: Path) -> None:
    """The system's reason is passed on."""
    path = tmp_path / "none.jpg"
    assert file_refusal(path).startswith(f"{path}: cannot be read: No such file or directory")


def test_a_directory(tmp_path: Path) -> None:
    """A directory is called one."""
    assert "expected an image file, found a directory" in file_refusal(tmp_path)


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    """A FIFO nobody writes to is refused instead of waited for."""
    os.mkfifo(tmp_path / "pipe")
    assert "found a pipe, socket or device" in file_refusal(tmp_path / "pipe")


def test_an_endless_device() -> None:
    """/dev/zero is refused before memory is full."""
    assert "found a pipe, socket or device" in file_refusal(Path("/dev/zero"))


def test_a_loop_of_links(tmp_path: Path) -> None:
    """Any other reason of the system is one line, too."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "cannot be read: Too many levels of symbolic links" in file_refusal(tmp_path / "loop")


@pytest.fixture
def secret(tmp_path: Path) -> Iterator[Path]:
    """A file that we may not read; root, who may read every file, becomes nobody for it."""
    path = tmp_path / "secret.jpg"
    path.write_bytes(FILES["jpeg"])
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield path
    os.seteuid(user)


def test_a_file_without_permission(secret: Path) -> None:
    """A file that may not be read says so."""
    assert "cannot be read: Permission denied" in file_refusal(secret)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """A file above the limit is refused by its size (this one is sparse)."""
    path = tmp_path / "huge.tiff"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 2**20)
    assert (
        f"expected at most {MAX_BYTES >> 20} MiB, found {(MAX_BYTES >> 20) + 1} MiB"
        in file_refusal(path)
    )


@pytest.mark.parametrize("level", [255, 200])
def test_light_strokes_on_a_transparent_ground_are_seen(level: int) -> None:
    """What is drawn in white on nothing is laid on black; dark strokes are laid on white."""
    image = np.zeros((40, 60, 4), np.uint8)
    image[10:30, 25:30] = level
    light = luma_of(image)
    assert (light[20, 27] > 150) & (light[5, 5] == 0)
    image[10:30, 25:30, :3] = 255 - level
    dark = luma_of(image)
    assert dark[20, 27] < 150 < dark[5, 5]


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_sixteen_bits_of_which_fewer_are_used(bits: int) -> None:
    """A camera's 10, 12 or 14 bits in 16-bit pixels fill the range as 16 do."""
    wide = np.rint(picture().astype(np.float64) * ((2**bits - 1) / 255)).astype(np.uint16)
    wide[0, 0] = 2**bits - 1
    luma = luma_of(wide)
    assert np.abs(luma[1:].astype(int) - luma_of(picture())[1:]).max() <= 1
