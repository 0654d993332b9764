"""Image files and arrays -> luma: bounded, upright, on white, or one line that says why not.

OpenCV decodes the pixels. Headers are read here first, because OpenCV allocates what they ask for,
turns only some formats upright, drops alpha, and tells of damage on stderr or not at all.
"""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import ImageError

MAX_MEGAPIXELS: Final = 150
MAX_BYTES: Final = 256 * 2**20
SUFFIXES: Final = frozenset(
    (".bmp", ".dib", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
)
"""What is taken for an image in a directory; a file that is named is tried whatever its suffix."""
_CUT_SHORT: Final = "{} is cut short: {}; copy or download it again"
_DAMAGED: Final = "{} is damaged: {}; copy it again or save it anew"


@dataclass(frozen=True)
class Decoded:
    """An upright gray image; `width` and `height` in px are those of the image as given."""

    luma: NDArray[np.uint8]
    """(H, W) uint8, 0 black .. 255 white; smaller than `height` x `width` if it was reduced."""
    width: int
    height: int


_Header = tuple[int, int, bytes, int]
"""Width and height in px as stored, the bytes for OpenCV, the EXIF orientation left to undo."""


def pictures_in(directory: Path) -> list[Path]:
    """Return what is taken for images in a directory, by name; raises OSError if it is none."""
    found = (path for path in directory.iterdir() if path.suffix.lower() in SUFFIXES)
    return sorted(path for path in found if not path.is_dir())


def decode_file(path: Path, *, work_size_px: int) -> Decoded:
    """Read a regular file of at most MAX_BYTES and `decode_bytes` it; raises as that does."""
    try:
        size = path.stat().st_size
        if not path.is_file():  # a pipe may never end
            found = "a directory" if path.is_dir() else "a pipe, socket or device"
            raise _refusal(path, f"expected an image file, found {found}; name a regular file")
        if size > MAX_BYTES:
            found = f"{size >> 20} MiB; scale it down"
            raise _refusal(path, f"expected at most {MAX_BYTES >> 20} MiB, found {found}")
        data = path.read_bytes()
    except OSError as error:
        why = f"cannot be read: {error.strerror or error}; check the path and its permissions"
        raise _refusal(path, why) from error
    return decode_bytes(data, str(path), work_size_px=work_size_px)


def decode_bytes(data: bytes, source: str, *, work_size_px: int) -> Decoded:
    """Decode the bytes of an image file.

    A JPEG of at least twice (4, 8 times) the working size is decoded at a half (quarter, eighth),
    which spares libjpeg most of the work (libjpeg.txt, "scale_num, scale_denom").

    Args:
        data: the whole file.
        source: what the image is called in messages.
        work_size_px: long side that the caller works at; luma is not reduced below it.

    Raises:
        ImageError: one line, starting with `source`.

    """
    try:
        return _decode(data, work_size_px)
    except ImageError as error:
        raise _refusal(source, error) from error


def luma_of(image: NDArray[Any], *, premultiplied: bool = False) -> NDArray[np.uint8]:
    """Reduce an image array to luma: (H, W) uint8, 0 black .. 255 white, C-contiguous.

    Args:
        image: (H, W) or (H, W, 1) gray, (H, W, 3) BGR, (H, W, 4) BGRA, which is laid on white, or
            on black where most of it is light; uint8 0..255 or uint16, of which only so many bits
            count as are used; anything else raises an ImageError. Luma may share the memory of a
            gray uint8 image.
        premultiplied: BGR is already multiplied by alpha.

    """
    shape: tuple[int, ...] = getattr(image, "shape", ())
    dtype = getattr(image, "dtype", type(image).__name__)
    channels = 1 if len(shape) == 2 else shape[2] if len(shape) == 3 else 0
    if dtype not in ("uint8", "uint16") or 0 in shape or channels not in (1, 3, 4):
        accepted = "uint8 or uint16 array of shape (H, W), (H, W, 3) BGR or (H, W, 4) BGRA"
        raise ImageError(f"expected a {accepted}, found {dtype} {shape}; convert it")
    pixels: Any = np.ascontiguousarray(image)
    if dtype == "uint16":
        pixels = cv2.convertScaleAbs(pixels, alpha=255 / _white_of(pixels))
    luma = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY) if channels > 1 else pixels.reshape(shape[:2])
    if channels == 4:
        alpha = pixels[..., 3]
        shown = luma if premultiplied else cv2.multiply(luma, alpha, scale=1 / 255)
        is_light = 2 * int(shown.sum(dtype=np.int64)) > int(alpha.sum(dtype=np.int64))
        is_clear = cv2.countNonZero(alpha) < alpha.size
        luma = shown if is_light and is_clear else cv2.add(shown, cv2.bitwise_not(alpha))
    return np.asarray(luma, np.uint8)


def _white_of(pixels: NDArray[np.uint16]) -> int:
    """Return the white of 16-bit pixels: cameras fill them with 10, 12 or 14 bits, or with all."""
    brightest = int(pixels.max())
    return next(2**bits - 1 for bits in (10, 12, 14, 16) if brightest < 2**bits)


def _refusal(source: object, why: object) -> ImageError:
    name = str(source)  # a file's name may hold a line break
    return ImageError(f"{name if name.isprintable() else ascii(name)}: {why}")


def _decode(data: bytes, work_size_px: int) -> Decoded:
    name, read_header = _format_of(data)
    width, height, pixels, orientation = read_header(data)
    if width < 1 or height < 1 or width * height > MAX_MEGAPIXELS * 10**6:
        found = f"{name} of {width} x {height}; scale or save it anew"
        raise ImageError(f"expected 1 pixel to {MAX_MEGAPIXELS} megapixels, found {found}")
    scales = (s for s in (8, 4, 2) if name == "JPEG" and s * work_size_px <= max(width, height))
    scale = next(scales, 1)
    image = _imdecode(name, pixels, scale)
    if image is None or image.shape[:2] != (-(-height // scale), -(-width // scale)):
        raise ImageError(_DAMAGED.format(name, "OpenCV cannot decode it"))
    # libtiff multiplies 8-bit colours by alpha, if the file has not.
    luma = luma_of(image, premultiplied=name == "TIFF" and image.dtype == np.uint8)
    size = (height, width) if orientation in range(5, 9) else (width, height)
    return Decoded(_upright(luma, orientation), *size)


def _imdecode(name: str, data: bytes, scale: int) -> NDArray[Any] | None:
    flags = cv2.IMREAD_UNCHANGED
    if name == "JPEG":  # 16, 32, 64: IMREAD_REDUCED_GRAYSCALE_2, _4, _8
        flags = (scale * 8 if scale > 1 else cv2.IMREAD_GRAYSCALE) | cv2.IMREAD_IGNORE_ORIENTATION
    elif name == "BMP":  # the fourth byte of 32-bit pixels is padding more often than alpha
        flags = cv2.IMREAD_GRAYSCALE
    log: Any = getattr(cv2.utils, "logging", cv2)  # OpenCV 5 moved the log level there
    before = log.setLogLevel(0)
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    finally:
        log.setLogLevel(before)


def _upright(luma: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo EXIF tag 274 (Exif 2.32, 4.6.4 A)."""
    if orientation in (2, 4, 5, 7):
        luma = luma[:, ::-1]
    turns = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(luma, turns))


def _format_of(data: bytes) -> tuple[str, Callable[[bytes], _Header]]:
    for signature, name, reader in _FORMATS:
        if re.match(signature, data, re.DOTALL):
            if reader is None:
                raise ImageError(f"{name} is not supported; save as JPEG")
            return name, reader
    found = "something else; save it as one of these" if data else "an empty file; save it anew"
    raise ImageError(f"expected a JPEG, PNG, BMP, WebP or TIFF image, found {found}")


def _number(data: bytes, at: int, size: int, order: Literal["little", "big"] = "big") -> int:
    """Read an unsigned number; beyond the end are zeros, which every caller refuses."""
    return int.from_bytes(data[at : at + size], order)


def _jpeg(data: bytes) -> _Header:
    at, width, height, orientation = 2, 0, 0, 1
    while marker := re.compile(rb"\xff([\xc0-\xcf\xda-\xfe])").search(data, at):
        at, kind = marker.end(), marker[1][0]
        if kind == 0xDA and data.rfind(b"\xff\xd9", at) > 0:  # what follows may be a motion photo
            return width, height, data, orientation
        length = _number(data, at, 2)
        if kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = _number(data, at + 3, 2), _number(data, at + 5, 2)
        elif kind == 0xE1 and data.startswith(b"Exif\0\0", at + 2):
            orientation = _tags(data[at + 8 : at + length]).get(274, 1)
        at += length
    raise ImageError(_CUT_SHORT.format("JPEG", "it has no end marker"))


def _png(data: bytes) -> _Header:
    """Check all chunks, keep those that make the pixels: libpng talks on stderr about others."""
    at, name, orientation, kept = 8, b"", 1, [data[:8]]
    while name != b"IEND":
        length, name = _number(data, at, 4), data[at + 4 : at + 8]
        chunk = data[at : at + 12 + length]
        if len(chunk) < 12 + length:
            raise ImageError(_CUT_SHORT.format("PNG", "it has no end chunk"))
        if zlib.crc32(chunk[4:-4]) != _number(chunk, 8 + length, 4):
            raise ImageError(_DAMAGED.format("PNG", "a checksum is wrong"))
        if name == b"eXIf":
            orientation = _tags(chunk[8:-4]).get(274, 1)
        elif name in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            kept.append(chunk)
        at += len(chunk)
    return _number(data, 16, 4), _number(data, 20, 4), b"".join(kept), orientation


def _bmp(data: bytes) -> _Header:
    size = 2 if _number(data, 14, 4, "little") == 12 else 4
    width, height = (_number(data, at, size, "little") for at in (18, 18 + size))
    return width, min(height, 2**32 - height), data, 1  # negative height: the first row is on top


def _webp(data: bytes) -> _Header:
    if len(data) < (size := 8 + _number(data, 4, 4, "little")):
        raise ImageError(_CUT_SHORT.format("WebP", f"{len(data)} of {size} bytes"))
    bits = _number(data, 20, 16, "little")  # the payload of the first chunk
    if data[12:16] == b"VP8L":
        return (bits >> 8 & 0x3FFF) + 1, (bits >> 22 & 0x3FFF) + 1, data, 1
    if data[12:16] != b"VP8X":
        return bits >> 48 & 0x3FFF, bits >> 64 & 0x3FFF, data, 1
    at, orientation = 12, 1
    while at < len(data):
        end = at + 8 + _number(data, at + 4, 4, "little")
        if data.startswith(b"EXIF", at):
            orientation = _tags(data[at + 8 : end].removeprefix(b"Exif\0\0")).get(274, 1)
        at = end + end % 2
    return (bits >> 32 & 0xFFFFFF) + 1, (bits >> 56 & 0xFFFFFF) + 1, data, orientation


def _tiff(data: bytes) -> _Header:
    tags = _tags(data)
    if tags.get(277) == 2:  # samples per pixel
        raise ImageError("TIFF of gray and alpha is not supported; save as PNG")
    turned = tags.get(274) in range(5, 9)  # which OpenCV's TIFF reader undoes
    return tags.get(257 if turned else 256, 0), tags.get(256 if turned else 257, 0), data, 1


def _tags(tiff: bytes) -> dict[int, int]:
    """Read the first directory's SHORTs and LONGs (TIFF 6.0, section 2); EXIF has one, too."""

    def number(at: int, size: int) -> int:
        return _number(tiff, at, size, "little" if tiff[:2] == b"II" else "big")

    first = number(4, 4)
    entries = range(first + 2, first + 2 + 12 * number(first, 2), 12)
    return {number(at, 2): number(at + 8, {3: 2, 4: 4}.get(number(at + 2, 2), 0)) for at in entries}


_FORMATS: Final[tuple[tuple[bytes, str, Callable[[bytes], _Header] | None], ...]] = (
    (rb"\xff\xd8\xff", "JPEG", _jpeg),
    (rb"\x89PNG\r\n\x1a\n", "PNG", _png),
    (rb"BM", "BMP", _bmp),
    (rb"RIFF....WEBP", "WebP", _webp),
    (rb"II\*\0|MM\0\*", "TIFF", _tiff),
    (rb"....ftypavi[fs]", "AVIF", None),
    (rb"....ftyp(he[iv]|mif1|msf1)", "HEIC", None),
    (rb"GIF8", "GIF", None),
)
