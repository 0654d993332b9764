"""Image files and arrays -> luma: bounded, upright, on white, or one line that says why not.

OpenCV decodes the pixels. Headers are read here first, because OpenCV allocates what they ask for,
turns only some formats upright, drops alpha, and tells of damage on stderr or not at all.
"""

import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import ImageError
from .headers import Header, damaged, read_header

MAX_MEGAPIXELS: Final = 150
MAX_BYTES: Final = 64 * 2**20
MAX_DECODE_BYTES: Final = 80 * 2**20
"""Memory that decoding may take beside the reader, which takes as much again."""
SUFFIXES: Final = frozenset(
    (".bmp", ".dib", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
)
"""What is taken for an image in a directory; a file that is named is tried whatever its suffix."""
_NO_MEMORY: Final = (
    "expected {} of free memory to decode {}, found less; end other programs or scale it down"
)


@dataclass(frozen=True)
class Decoded:
    """An upright gray image; `width` and `height` in px are those of the image as given."""

    luma: NDArray[np.uint8]
    """(H, W) uint8, 0 black .. 255 white; smaller than `height` x `width` if it was reduced."""
    width: int
    height: int


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
    except MemoryError as error:
        raise _refusal(source, _NO_MEMORY.format("some MiB", "an image")) from error


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
    header = read_header(data)
    name, width, height = header.name, header.width, header.height
    if width < 1 or height < 1 or width * height > MAX_MEGAPIXELS * 10**6:
        found = f"{name} of {width} x {height}; scale or save it anew"
        raise ImageError(f"expected 1 pixel to {MAX_MEGAPIXELS} megapixels, found {found}")
    scales = (s for s in (8, 4, 2) if name == "JPEG" and s * work_size_px <= max(width, height))
    scale = next(scales, 1)
    _check_memory(header, header.held_bytes + 2 * width * height // scale**2)
    image = _imdecode(header, scale)
    if image is None or image.shape[:2] != (-(-height // scale), -(-width // scale)):
        raise damaged(name, "OpenCV cannot decode it")
    # libtiff multiplies 8-bit colours by alpha, if the file has not.
    luma = luma_of(image, premultiplied=name == "TIFF" and image.dtype == np.uint8)
    del image
    size = (height, width) if header.orientation in range(5, 9) else (width, height)
    return Decoded(_upright(luma, header.orientation), *size)


def _check_memory(header: Header, needed: int) -> None:
    """Refuse what would take too much memory, or more than there is, before OpenCV takes it."""
    mebibytes = -(-needed // 2**20)
    found = f"{header.name} of {header.width} x {header.height}"
    if needed > MAX_DECODE_BYTES:
        remedy = "a JPEG that is not progressive" if header.name == "JPEG" else "JPEG"
        raise ImageError(
            f"expected at most {MAX_DECODE_BYTES >> 20} MiB of memory to decode it in, found "
            f"{found} that takes {mebibytes} MiB; scale it down or save it as {remedy}"
        )
    try:
        mmap.mmap(-1, needed).close()
    except OSError as error:
        raise ImageError(_NO_MEMORY.format(f"{mebibytes} MiB", found)) from error


def _imdecode(header: Header, scale: int) -> NDArray[Any] | None:
    # Gray where no alpha is lost, in the depth that is stored: colours take three times as much.
    flags = cv2.IMREAD_UNCHANGED if header.has_alpha else cv2.IMREAD_ANYDEPTH
    if header.name == "JPEG":  # 16, 32, 64: IMREAD_REDUCED_GRAYSCALE_2, _4, _8
        flags = (scale * 8 if scale > 1 else cv2.IMREAD_GRAYSCALE) | cv2.IMREAD_IGNORE_ORIENTATION
    elif header.name == "BMP":  # the fourth byte of 32-bit pixels is padding more often than alpha
        flags = cv2.IMREAD_GRAYSCALE
    log: Any = getattr(cv2.utils, "logging", cv2)  # OpenCV 5 moved the log level there
    before = log.setLogLevel(0)
    try:
        return cv2.imdecode(np.frombuffer(header.data, np.uint8), flags)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error
        return None
    finally:
        log.setLogLevel(before)


def _upright(luma: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo EXIF tag 274 (Exif 2.32, 4.6.4 A)."""
    if orientation in (2, 4, 5, 7):
        luma = luma[:, ::-1]
    turns = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(luma, turns))
