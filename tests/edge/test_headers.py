"""Headers that lie: about what the file holds, and about the memory that it takes."""

import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.edge.decode import MAX_DECODE_BYTES, decode_bytes
from digitcam.edge.errors import ImageError
from digitcam.edge.headers import MAX_PARTS, MAX_SCANS

MANY_S = 10.0
"""Time that no header may cost; a hundred times what they do, a tenth of what they did."""


def encode(extension: str, image: NDArray[Any], *parameters: int) -> bytes:
    ok, data = cv2.imencode(extension, image, parameters)
    assert ok
    return data.tobytes()


def gray(width: int = 32, height: int = 16) -> NDArray[np.uint8]:
    return np.full((height, width), 200, np.uint8)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int, colour: int, *middle: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(middle) + chunk(b"IEND", b"")


def segment(kind: int, data: bytes) -> bytes:
    return b"\xff" + bytes([kind]) + struct.pack(">H", len(data) + 2) + data


def with_parts(count: int, part: bytes) -> dict[str, bytes]:
    """Pictures with as many parts of no meaning, or of EXIF, before the pixels."""
    jpeg, picture = encode(".jpg", gray()), encode(".png", gray())
    vp8 = encode(".webp", gray())[12:]
    parts = (struct.pack("<4sI", b"EXIF", len(part)) + part + bytes(len(part) % 2)) * count
    body = b"WEBP" + struct.pack("<4sIIHBHB", b"VP8X", 10, 8, 31, 0, 15, 0) + vp8 + parts
    return {
        "JPEG": jpeg[:2] + segment(0xE1, b"Exif\0\0" + part) * count + jpeg[2:],
        "PNG": picture[:33] + chunk(b"eXIf", part) * count + picture[33:],
        "WebP": b"RIFF" + struct.pack("<I", len(body)) + body,
    }


def decoded(data: bytes) -> tuple[int, int]:
    """Return the size that comes out, in no long time."""
    start_s = time.process_time()
    try:
        result = decode_bytes(data, "liar", work_size_px=1280)
    finally:
        assert time.process_time() - start_s < MANY_S
    return result.width, result.height


def refusal(data: bytes) -> str:
    with pytest.raises(ImageError, match=r"^liar: ") as caught:
        decoded(data)
    return str(caught.value)


# --- time ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WebP"])
def test_a_directory_that_claims_more_than_there_is_costs_nothing(name: str) -> None:
    """Thousands of EXIF blocks that claim 65535 entries and have none are one, and it ends."""
    liar = b"II*\0" + struct.pack("<IH", 8, 65535)
    assert decoded(with_parts(5000, liar)[name]) == (32, 16)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WebP"])
def test_the_first_exif_counts(name: str) -> None:
    """A second EXIF block is not asked, so that many full ones cost nothing either."""
    whole = b"II*\0" + struct.pack("<IHHHIHH", 8, 1, 274, 3, 1, 6, 0) + bytes(4)
    assert decoded(with_parts(1, whole)[name]) == (16, 32)
    full = b"II*\0" + struct.pack("<IH", 8, 5000) + struct.pack("<HHII", 1, 4, 1, 1) * 5000
    assert decoded(with_parts(200, full)[name]) == (32, 16)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WebP"])
def test_more_parts_than_any_picture_has_are_refused(name: str) -> None:
    """Going over millions of empty segments or chunks would cost time, too."""
    assert f"it has more than {MAX_PARTS} parts" in refusal(with_parts(MAX_PARTS, b"")[name])


def test_the_end_of_a_jpeg_is_looked_for_once() -> None:
    """Scans without an end do not each have the file searched to its end."""
    assert "no end marker" in refusal(b"\xff\xd8" + b"\xff\xda\0\x02" * 200_000 + bytes(10**6))


def test_scans_of_a_jpeg_are_bounded() -> None:
    """Each scan of a progressive JPEG goes over the whole picture, whatever it holds."""
    whole = encode(".jpg", gray(), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert decoded(whole) == (32, 16)
    last = whole.rindex(b"\xff\xda")
    again = whole[:-2] + whole[last:-2] * MAX_SCANS + whole[-2:]
    assert f"more than {MAX_SCANS} scans" in refusal(again)


# --- memory ----------------------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
import cv2
from digitcam.edge.decode import decode_bytes
from digitcam.edge.errors import ImageError
def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
cv2.setNumThreads(1)
data = sys.stdin.buffer.read()
cv2.imdecode(__import__("numpy").zeros(9, "uint8"), 0)
before = peak()
try:
    found = decode_bytes(data, "liar", work_size_px=1280).luma.shape
except ImageError as error:
    found = error
print(peak() - before + len(data), found)
"""
ALLOWANCE_BYTES = 8 * 2**20
"""What libraries take once, beside pictures."""


def peak_of(data: bytes) -> tuple[int, str]:
    """Decode in a process of its own; return its peak of memory, bytes, and what was found."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input=data, capture_output=True, check=True
    )
    peak, _, found = done.stdout.decode().partition(" ")
    return int(peak), found


def tiff(width: int, height: int, changed: dict[int, int]) -> bytes:
    """Make the header of a TIFF whose one strip is empty."""
    values = {256: width, 257: height, 258: 8, 259: 8, 262: 1, 273: 8, 277: 1, 278: height, 279: 0}
    values |= changed
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, values[tag]) for tag in sorted(values))
    return b"II*\0" + struct.pack("<IH", 8, len(values)) + entries + bytes(4)


def progressive(width: int, height: int) -> bytes:
    """Make a small progressive JPEG that claims to be large."""
    data = encode(".jpg", np.dstack([gray()] * 3), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    at = data.index(b"\xff\xc2") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


LIARS = {
    "lossless WebP of 38 bytes": b"RIFF\x1e\0\0\0WEBPVP8L\x11\0\0\0\x2f"
    + struct.pack("<I", 11999 | 11999 << 14)
    + bytes(13),
    "PNG, gray, 149 Mpx": png(14900, 10000, 8, 0, chunk(b"IDAT", zlib.compress(bytes(99)))),
    "PNG, RGBA, 16 bits": png(6000, 6000, 16, 6, chunk(b"IDAT", zlib.compress(bytes(99)))),
    "BMP": b"BM" + bytes(12) + struct.pack("<IiiHH", 40, 12000, 12000, 1, 24) + bytes(24),
    "TIFF, one strip": tiff(9000, 9000, {}),
    "TIFF, RGBA, 16 bits": tiff(5000, 5000, {258: 16, 262: 2, 277: 4}),
    "JPEG, progressive": progressive(12000, 12000),
}


@pytest.mark.parametrize("name", LIARS)
def test_memory_is_counted_before_opencv_takes_it(name: str) -> None:
    """A small file that claims much memory is refused with what it would take, and takes none."""
    peak, found = peak_of(LIARS[name])
    assert f"expected at most {MAX_DECODE_BYTES >> 20} MiB of memory to decode it" in found
    assert peak < ALLOWANCE_BYTES


def test_tiff_in_tiles_is_refused() -> None:
    """A tile of 16777215 px that holds nothing would be allocated whole."""
    assert "TIFF in tiles" in refusal(tiff(64, 64, {322: 16_777_215, 323: 16}))


def test_an_animated_webp_is_refused() -> None:
    """Its canvas is held several times, and which picture is meant nobody knows."""
    data = with_parts(0, b"")["WebP"]
    assert "WebP that is animated is not supported" in refusal(data[:20] + b"\x02" + data[21:])


def test_the_first_chunk_of_a_png_says_its_size() -> None:
    """Another chunk in its place, or a second one, could hide a size from us."""
    small, large = png(8, 8, 8, 0), png(20000, 20000, 8, 0)
    assert "its first chunk, and no other" in refusal(small[:33] + large[8:])
    assert "its first chunk, and no other" in refusal(large[:8] + chunk(b"tEXt", small[16:29]))


def large_pictures() -> dict[str, tuple[str, int, int]]:
    """Extension, channels and bits of pictures near the bound."""
    return {
        "PNG, colour": (".png", 3, 8),
        "PNG, 16 bits": (".png", 3, 16),
        "PNG, alpha": (".png", 4, 8),
        "TIFF, colour": (".tiff", 3, 8),
        "TIFF, 16 bits": (".tiff", 3, 16),
        "TIFF, alpha": (".tiff", 4, 8),
        "BMP": (".bmp", 3, 8),
        "WebP": (".webp", 3, 8),
        "WebP, alpha": (".webp", 4, 8),
        "JPEG": (".jpg", 3, 8),
    }


@pytest.mark.parametrize("name", large_pictures())
def test_no_picture_takes_more_memory_than_is_counted(name: str) -> None:
    """Of each kind, the largest of a few sizes that is read keeps within the bound."""
    extension, channels, bits = large_pictures()[name]
    for megapixels in (16, 9, 4):
        side = int((megapixels * 1e6) ** 0.5)
        image = np.full((side, side, channels), 200 * (257 if bits == 16 else 1), f"uint{bits}")
        image[::64, ::64] = 0
        peak, found = peak_of(encode(extension, image, *((16, 1) if extension == ".png" else ())))
        if found.startswith("("):
            assert peak < MAX_DECODE_BYTES + ALLOWANCE_BYTES
            return
    pytest.fail(f"none was read: {found}")


def test_a_lack_of_memory_is_called_that(tmp_path: Path) -> None:
    """Where less is free than the picture takes, it is not called damaged."""
    path = tmp_path / "large.png"
    path.write_bytes(encode(".png", np.full((3000, 4000), 200, np.uint8)))
    limited = (
        "import resource, sys; from pathlib import Path; import cv2\n"
        "from digitcam.edge.decode import decode_file\n"
        "pages = int(Path('/proc/self/statm').read_text().split()[0])\n"
        "limit = pages * resource.getpagesize() + 8 * 2**20\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "decode_file(Path(sys.argv[1]), work_size_px=1280)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "MiB of free memory to decode PNG of 4000 x 3000, found less" in done.stderr
