"""Headers of image files: which format, how large, how much memory, or one line that says why not.

Nothing in a file is believed beyond its end, and nothing is looked for twice: a header that lies
costs no more time than its own bytes.
"""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from .errors import ImageError

MAX_PARTS: Final = 2**16
"""Segments or chunks of a file; each costs time."""
MAX_SCANS: Final = 32
"""Scans of a JPEG, each of which goes over the whole picture; encoders write some ten."""
_CUT_SHORT: Final = "{} is cut short: {}; copy or download it again"
_DAMAGED: Final = "{} is damaged: {}; copy it again or save it anew"
_TIFF_CODECS: Final = frozenset((1, 2, 3, 4, 5, 7, 8, 32773, 32946))
"""None, fax, LZW, JPEG, Deflate and PackBits; the rest is rare or of floating point."""
_JPEG_MARKER: Final = re.compile(rb"\xff([\xc0-\xcf\xda-\xfe])")


@dataclass(frozen=True)
class Header:
    """What a file says of itself."""

    name: str
    """Of the format."""
    width: int
    """As stored, px."""
    height: int
    """As stored, px."""
    data: bytes
    """What OpenCV is to decode."""
    held_bytes: int
    """Memory that decoding takes at its peak, but for two bytes a pixel of luma."""
    orientation: int = 1
    """EXIF tag 274, if OpenCV does not undo it."""
    has_alpha: bool = False


def read_header(data: bytes) -> Header:
    """Read the header of an image file's bytes.

    Raises:
        ImageError: The format is none of those that are read, or the file is damaged.
    """
    for signature, read in _READERS:
        if re.match(signature, data, re.DOTALL):
            return read(data)
    for signature, name, remedy in _OTHERS:
        if re.match(signature, data, re.DOTALL):
            raise ImageError(f"{name} is not supported; {remedy}")
    found = "something else; save it as one of these" if data else "an empty file; save it anew"
    raise ImageError(f"expected a JPEG, PNG, BMP, WebP or TIFF image, found {found}")


def damaged(name: str, why: str) -> ImageError:
    """Return the error of a file of this format that is damaged."""
    return ImageError(_DAMAGED.format(name, why))


def _number(data: bytes, at: int, size: int, order: Literal["little", "big"] = "big") -> int:
    """Read an unsigned number; beyond the end are zeros, which every caller refuses."""
    return int.from_bytes(data[at : at + size], order)


def _too_many_parts(name: str) -> ImageError:
    return damaged(name, f"it has more than {MAX_PARTS} parts")


def _jpeg(data: bytes) -> Header:
    at, frame, exif = 2, b"", b""
    for _ in range(MAX_PARTS):
        marker = _JPEG_MARKER.search(data, at)
        if not marker:
            raise ImageError(_CUT_SHORT.format("JPEG", "it has no end marker"))
        at, kind = marker.end(), marker[1][0]
        if kind == 0xDA:
            return _jpeg_header(data, at, frame, exif)
        length = _number(data, at, 2)
        if kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            frame = marker[1] + data[at + 2 : at + length]
        elif kind == 0xE1 and data.startswith(b"Exif\0\0", at + 2):
            exif = exif or data[at + 8 : at + length]
        at += length
    raise _too_many_parts("JPEG")


def _jpeg_header(data: bytes, at: int, frame: bytes, exif: bytes) -> Header:
    """Return the header of a JPEG whose first scan begins at `at`."""
    if data.rfind(b"\xff\xd9") < at:  # what follows it may be a motion photo
        raise ImageError(_CUT_SHORT.format("JPEG", "it has no end marker"))
    height, width = _number(frame, 2, 2), _number(frame, 4, 2)
    held = len(data)
    if frame[:1] in (b"\xc2", b"\xc6", b"\xca", b"\xce") or _number(data, at + 2, 1) < _number(
        frame, 6, 1
    ):
        if data.count(b"\xff\xda", at, data.find(b"\xff\xd9", at)) >= MAX_SCANS:
            raise ImageError(f"JPEG of more than {MAX_SCANS} scans is not supported; save it anew")
        held += _coefficient_bytes(frame[7:], width, height)
    return Header("JPEG", width, height, data, held, _orientation(exif))


def _coefficient_bytes(components: bytes, width: int, height: int) -> int:
    """Return what libjpeg holds of a picture of several scans: two bytes a coefficient."""
    factors = [(hv >> 4, hv & 15) for hv in components[1::3]]
    across, down = (max((each[axis] for each in factors), default=1) or 1 for axis in (0, 1))
    units = -(-width // (8 * across)) * -(-height // (8 * down))
    return 2 * 64 * units * sum(h * v for h, v in factors)


def _png(data: bytes) -> Header:
    """Check all chunks, keep those that make the pixels: libpng talks on stderr about others."""
    at, exif, has_alpha, kept = 8, b"", False, [data[:8]]
    for _ in range(MAX_PARTS):
        length, name = _number(data, at, 4), data[at + 4 : at + 8]
        chunk = data[at : at + 12 + length]
        if len(chunk) < 12 + length:
            raise ImageError(_CUT_SHORT.format("PNG", "it has no end chunk"))
        if zlib.crc32(chunk[4:-4]) != _number(chunk, 8 + length, 4):
            raise damaged("PNG", "a checksum is wrong")
        if (name == b"IHDR") != (at == 8):
            raise damaged("PNG", "its first chunk, and no other, must be IHDR")
        if name == b"eXIf":
            exif = exif or chunk[8:-4]
        elif name in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            has_alpha |= name == b"tRNS"
            kept.append(chunk)
        if name == b"IEND":
            break
        at += len(chunk)
    else:
        raise _too_many_parts("PNG")
    pixels = b"".join(kept)
    width, height = _number(pixels, 16, 4), _number(pixels, 20, 4)
    has_alpha |= _number(pixels, 25, 1) in (4, 6)
    sample_bytes = 2 if _number(pixels, 24, 1) == 16 else 1
    held = _held(width * height, sample_bytes, has_alpha) + 2 * len(data)
    return Header("PNG", width, height, pixels, held, _orientation(exif), has_alpha)


def _held(pixels: int, sample_bytes: int, has_alpha: bool) -> int:
    """Return what OpenCV holds beside luma: all twice, colour only where alpha makes it keep it."""
    return 2 * pixels * (sample_bytes * (4 if has_alpha else 1) - 1)


def _bmp(data: bytes) -> Header:
    size = 2 if _number(data, 14, 4, "little") == 12 else 4
    width, height = (_number(data, at, size, "little") for at in (18, 18 + size))
    height = min(height, 2**32 - height)  # negative: the first row is on top
    return Header("BMP", width, height, data, len(data))


def _webp(data: bytes) -> Header:
    if len(data) < (size := 8 + _number(data, 4, 4, "little")):
        raise ImageError(_CUT_SHORT.format("WebP", f"{len(data)} of {size} bytes"))
    bits = _number(data, 20, 16, "little")  # the payload of the first chunk
    kind, exif, has_alpha = data[12:16], b"", data[12:16] == b"VP8L"
    if kind == b"VP8X":
        if bits & 2:
            raise ImageError("WebP that is animated is not supported; save one picture as JPEG")
        width, height = (bits >> 32 & 0xFFFFFF) + 1, (bits >> 56 & 0xFFFFFF) + 1
        chunks = _webp_chunks(data)
        exif = chunks.get(b"EXIF", b"").removeprefix(b"Exif\0\0")
        has_alpha = bool(bits & 16) or not chunks.keys().isdisjoint((b"ALPH", b"VP8L"))
    elif kind == b"VP8L":
        width, height = (bits >> 8 & 0x3FFF) + 1, (bits >> 22 & 0x3FFF) + 1
    else:
        width, height = bits >> 48 & 0x3FFF, bits >> 64 & 0x3FFF
    # Colour is held once, with alpha and without loss twice.
    held = width * height * (6 if has_alpha else 3) + len(data)
    return Header("WebP", width, height, data, held, _orientation(exif), has_alpha)


def _webp_chunks(data: bytes) -> dict[bytes, bytes]:
    """Return the first chunk of each name; of those that are pixels, none of their bytes."""
    at, chunks = 12, dict[bytes, bytes]()
    for _ in range(MAX_PARTS):
        if at >= len(data):
            return chunks
        name, end = data[at : at + 4], at + 8 + _number(data, at + 4, 4, "little")
        chunks.setdefault(name, data[at + 8 : end] if name == b"EXIF" else b"")
        at = end + end % 2
    raise _too_many_parts("WebP")


def _tiff(data: bytes) -> Header:
    tags = _tags(data)
    samples, bits, colours = tags.get(277, 1), tags.get(258, 1), tags.get(262, 1)
    if samples == 2:
        raise ImageError("TIFF of gray and alpha is not supported; save as PNG")
    if tags.get(339, 1) != 1 or bits > 16:
        found = {1: "unsigned", 2: "signed", 3: "floating-point"}.get(tags.get(339, 1), "other")
        raise ImageError(
            f"expected a TIFF of at most 16 unsigned bits, found {bits} {found}; save as PNG"
        )
    if tags.get(259, 1) not in _TIFF_CODECS or not tags.keys().isdisjoint((322, 323)):
        raise ImageError("TIFF in tiles or of a rare compression is not supported; save as PNG")
    turned = tags.get(274) in range(5, 9)  # which OpenCV's TIFF reader undoes
    stored = tags.get(256, 0), tags.get(257, 0)
    width, height = reversed(stored) if turned else stored
    sample_bytes, has_alpha = 1 if bits <= 8 else 2, samples > 3
    # A strip is whole in memory, in four samples of 8 bits, or as it is stored.
    strip = stored[0] * min(tags.get(278, stored[1]), stored[1])
    strip *= 4 if sample_bytes == 1 else 2 * max(samples, 1 if colours < 2 else 3)
    held = _held(width * height, sample_bytes, has_alpha) + strip + len(data)
    return Header("TIFF", width, height, data, held, has_alpha=has_alpha)


def _orientation(exif: bytes) -> int:
    return _tags(exif).get(274, 1)


def _tags(tiff: bytes) -> dict[int, int]:
    """Read the first directory (TIFF 6.0, section 2); EXIF has one, too.

    Returns:
        The first SHORT or LONG of each tag, where it first stands; 0 for another type.
    """

    def number(at: int, size: int) -> int:
        return _number(tiff, at, size, "little" if tiff[:2] == b"II" else "big")

    first = number(4, 4)
    end = min(first + 2 + 12 * number(first, 2), len(tiff) - 11)
    tags = dict[int, int]()
    for at in range(first + 2, end, 12):
        size = {3: 2, 4: 4}.get(number(at + 2, 2), 0)
        is_inline = size * number(at + 4, 4) <= 4
        tags.setdefault(number(at, 2), number(at + 8 if is_inline else number(at + 8, 4), size))
    return tags


_READERS: Final[tuple[tuple[bytes, Callable[[bytes], Header]], ...]] = (
    (rb"\xff\xd8\xff", _jpeg),
    (rb"\x89PNG\r\n\x1a\n", _png),
    (rb"BM", _bmp),
    (rb"RIFF....WEBP", _webp),
    (rb"II\*\0|MM\0\*", _tiff),
)
"""All that reaches a decoder of OpenCV, which has more, by the bytes that each begins with."""
_HEIF_REMEDY: Final = "convert it with heif-convert (sudo apt install libheif-examples)"
_OTHERS: Final = (
    (rb"....ftypavi[fs]", "AVIF", _HEIF_REMEDY),
    (
        rb"....ftyp(he[iv]|mif1|msf1)",
        "HEIC",
        f"{_HEIF_REMEDY}, or have the phone save JPEG (iPhone: Settings, Camera, Formats, Most "
        "Compatible)",
    ),
    (rb"GIF8", "GIF", "save one picture of it as PNG (ImageMagick: convert 'IN.gif[0]' OUT.png)"),
    (rb"%PDF-", "PDF", "make pictures of its pages: pdftoppm -r 200 -jpeg IN.pdf OUT"),
)
