"""Mutated pictures through decode and read: no crash, no time over 5 s, no memory over 160 MB.

    python benchmarks/fuzz.py                       # 20,000 pictures
    python benchmarks/fuzz.py --count 1000000 --seed 7

Small pictures of every format have bytes changed, dropped, doubled and set to numbers at the edge
of what fields hold, half of them in the header; checksums of PNG are put right again. Processes of
their own decode them, and read one in 50; what was slowest and what took most memory is told with
the number of the picture: the same numbers give the same pictures. Status 1 says that a bound was
passed or a process died.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge import Recognizer
from digitcam.edge.decode import decode_bytes
from digitcam.edge.errors import ImageError

MAX_S = 5.0
MAX_MB = 160.0
BATCH = 500
READ_ONE_IN = 50
WORK_SIZE_PX = 1280
EDGES = (0, 1, 2, 127, 255, 256, 32767, 65535, 65536, 2**24 - 1, 2**31 - 1, 2**31, 2**32 - 1)


@dataclass(frozen=True)
class Outcome:
    """What a batch cost at worst; each with the number of the picture."""

    decoded: int
    slowest: tuple[float, int]
    """Seconds of CPU."""
    largest: tuple[float, int]
    """Peak of the process's memory, MB, and at which picture it was reached."""


@cache
def seeds() -> tuple[bytes, ...]:
    """Return small pictures of every format and kind of pixels."""
    page = np.full((96, 160), 210, np.uint8)
    cv2.putText(page, "4217", (10, 65), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (40.0,), 4)
    colour, clear = np.dstack([page] * 3), np.dstack([page] * 4)
    wide = colour.astype(np.uint16) * 257
    kinds: list[tuple[str, NDArray[Any]]]
    kinds = [(".jpg", page), (".jpg", colour), (".bmp", colour), (".bmp", page)]
    kinds += [(each, image) for each in (".png", ".tiff") for image in (page, colour, clear, wide)]
    kinds += [(".webp", colour), (".webp", clear)]
    found = [cv2.imencode(extension, image)[1].tobytes() for extension, image in kinds]
    for extension, parameter in (
        (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
        (".jpg", (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)),
        (".webp", (cv2.IMWRITE_WEBP_QUALITY, 101)),
        (".tiff", (cv2.IMWRITE_TIFF_COMPRESSION, 1)),
    ):
        found.append(cv2.imencode(extension, colour, parameter)[1].tobytes())
    return tuple(found)


def mutated(number: int) -> bytes:
    """Return the picture of this number."""
    rng = np.random.default_rng(number)
    data = bytearray(seeds()[rng.integers(len(seeds()))])
    within = min(len(data), 200) if rng.random() < 0.5 else len(data)
    for _ in range(rng.integers(1, 6)):
        at, size = int(rng.integers(within)), int(rng.choice([1, 2, 4]))
        match rng.integers(5):
            case 0:
                data[at : at + size] = rng.bytes(size)
            case 1:
                edge = int(rng.choice(EDGES)) % 256**size
                order = "<" if rng.random() < 0.5 else ">"
                data[at : at + size] = struct.pack(order + {1: "B", 2: "H", 4: "I"}[size], edge)
            case 2:
                del data[at : at + int(rng.integers(1, 64))]
            case 3:
                data[at:at] = data[at : at + int(rng.integers(1, 512))]
            case _:
                data[min(at, len(data) - 1)] ^= 1 << int(rng.integers(8))
    return _with_checksums(bytes(data))


def _with_checksums(data: bytes) -> bytes:
    """Put the checksums of a PNG right, as far as its chunks go."""
    if not data.startswith(b"\x89PNG"):
        return data
    at, parts = 8, [data[:8]]
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4])
        parts += [data[at:end], struct.pack(">I", zlib.crc32(data[at + 4 : end]))]
        at = end + 4
    return b"".join(parts) + data[at:]


def run_batch(first: int, count: int) -> Outcome:
    """Decode so many pictures in this process, from this number."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libjpeg talks
    cv2.setNumThreads(1)
    recognizer = _recognizer()
    decoded, slowest, largest = 0, (0.0, first), (_peak_mb(), first)
    for number in range(first, first + count):
        data = mutated(number)
        start_s = process_time()
        try:
            luma = decode_bytes(data, "picture", work_size_px=WORK_SIZE_PX).luma
            decoded += 1
            if number % READ_ONE_IN == 0:
                recognizer.read(luma)
        except ImageError:
            pass
        slowest = max(slowest, (process_time() - start_s, number))
        if (peak := _peak_mb()) > largest[0]:
            largest = peak, number
    return Outcome(decoded, slowest, largest)


@cache
def _recognizer() -> Recognizer:
    return Recognizer()


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 all is within the bounds, 1 something is not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=20_000, help="pictures (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="number of the first (default: 0)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes at a time")
    options = parser.parse_args(argv)
    end = options.seed + options.count
    firsts = range(options.seed, end, BATCH)
    sizes = [min(BATCH, end - first) for first in firsts]
    spawn = get_context("spawn")
    with ProcessPoolExecutor(options.workers, spawn) as pool:
        try:
            outcomes = list(pool.map(run_batch, firsts, sizes))
        except BrokenProcessPool:
            print("a process died; find the picture with --workers 1 and smaller counts")
            return 1
    decoded = sum(each.decoded for each in outcomes)
    slowest = max(each.slowest for each in outcomes)
    largest = max(each.largest for each in outcomes)
    print(f"{options.count} pictures, {decoded} decoded")
    print(f"slowest {slowest[0]:.2f} s (picture {slowest[1]}), at most {MAX_S:g} s")
    print(f"most memory {largest[0]:.0f} MB (picture {largest[1]}), at most {MAX_MB:g} MB")
    return int(slowest[0] > MAX_S or largest[0] > MAX_MB)


if __name__ == "__main__":
    sys.exit(main())
