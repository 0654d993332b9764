"""What the camera service costs, how late it is, whether it leaks, and what it reads from nothing.

    python benchmarks/service.py                  # 30 frames a second on one core
    python benchmarks/service.py --soak 200000    # so many frames as fast as they go
    python benchmarks/service.py --day            # a day of changing scenes without a digit

Frames are rendered, 640 x 480, with a sensor's noise, and replayed from files; each run is a
process of its own that runs the service on one processor and writes to SQLite and JSON Lines.

- moving: every frame shows 20 digits and differs from the one before, so every frame is read;
- still: the same page in 30 different noises;
- pages: 20 digits a page, each page for a second, so that readings are published. Latency is from
  the frame that makes a reading stable to the reading in both files.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from time import monotonic, process_time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitcam.edge import Recognizer
from digitcam.edge.decode import luma_of
from digitcam.edge.frame import GrayImage, StableReading
from digitcam.edge.live import LiveReader
from digitcam.edge.service import Service
from digitcam.edge.settings import (
    CameraSettings,
    PlausibilitySettings,
    Settings,
    SinkSettings,
    StabilizeSettings,
)
from digitcam.edge.sources import CameraFrame
from digitcam.edge.stabilize import Stabilizer
from digitcam.train.photograph import Look, photograph, random_look
from digitcam.train.scene import render_rows

Image = NDArray[np.uint8]

SIZE = (480, 640)
DIGITS = 20
RATE = 30.0
SECONDS = 20.0
NOISE = 2.0
"""Standard deviation of the sensor's noise, grey levels."""
WARM_FRAMES = 10_000
"""After so many frames of a soak memory should have found its size."""
MAX_GROWTH = 0.05
MINUTES_A_DAY = 24 * 60
MINUTES_A_SHEET = 30
TREMOR_PX = 0.5
"""Standard deviation of a resting hand's place from frame to frame."""
MAX_FALSE = 1


def main() -> int:
    """Measure what is asked for; 1 if a target is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--soak", type=int, metavar="FRAMES", help="run so many frames instead")
    parser.add_argument("--day", action="store_true", help="show a day without digits instead")
    parser.add_argument("--child", nargs=4, metavar="X", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        folder, state, rate, frames = options.child
        print(json.dumps(_serve(Path(folder), Path(state), float(rate), int(frames))))
        return 0
    if options.day:
        return _day()
    return _soak(options.soak) if options.soak else _costs()


# --- runs, each in a process of its own ------------------------------------------------------


class _Measured(Service):
    """The service, which notes when frames came and when their readings were written."""

    def __init__(self, settings: Settings, frames: int) -> None:
        super().__init__(settings)
        self.put_s: dict[str, float] = {}
        self.memory: list[tuple[int, int, int]] = []
        self.dropped = 0
        self._until = frames

    def _take(self, frame: CameraFrame, small: GrayImage) -> None:
        before = self._last
        super()._take(frame, small)
        if self._last is not before and self._last:
            self.put_s[self._last.id] = frame.taken_s
        self.dropped = self._camera.source.dropped
        if self.frames % 1000 == 0:
            self.memory.append((self.frames, _resident_bytes(), _descriptors()))
        if self.frames == self._until:
            signal.raise_signal(signal.SIGTERM)


def _serve(folder: Path, state: Path, rate: float, frames: int) -> dict[str, Any]:
    """Run the service over the pictures in a folder and return what was measured."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    camera = CameraSettings(source=f"replay:{folder}", frames_per_second=rate, repeat=1, loop=True)
    sinks = SinkSettings(use=("sqlite", "jsonl"), directory=str(state))
    service = _Measured(Settings(camera=camera, sinks=sinks), frames)
    written: dict[str, float] = {}
    if folder.name == "pages":  # looking costs a little, too
        follow = (state / "readings.jsonl", written)
        threading.Thread(target=_follow, args=follow, daemon=True).start()
    start_s, start_cpu_s = monotonic(), process_time()
    service.run()
    elapsed_s, cpu_s = monotonic() - start_s, process_time() - start_cpu_s
    late = [written[key] - taken for key, taken in service.put_s.items() if key in written]
    return {
        "frames": service.frames,
        "read": service._live.read_frames,
        "dropped": service.dropped,
        "frames_per_second": service.frames / elapsed_s,
        "cpu_ms": 1e3 * cpu_s / service.frames,
        "latency_ms": [1e3 * value for value in late],
        "memory": service.memory,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }


def _follow(path: Path, written: dict[str, float]) -> None:
    """Note when each line of a growing file is there; looks a thousand times a second."""
    pause = threading.Event()
    while not path.exists():
        pause.wait(0.001)
    with path.open() as file:
        while True:
            line = file.readline()
            if line:
                written[json.loads(line)["id"]] = monotonic()
            else:
                pause.wait(0.001)


def _run(folder: Path, rate: float, frames: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as state:
        command = [sys.executable, __file__, "--child", str(folder), state, str(rate), str(frames)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"service: a run ended with {done.returncode}: {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


# --- pictures --------------------------------------------------------------------------------


def _page(index: int) -> Image:
    rng = np.random.default_rng(index)
    rows = ["".join(map(str, rng.integers(0, 10, 5))) for _ in range(DIGITS // 5)]
    return render_rows(rows, rng, size=SIZE, height_px=40, look=Look(noise_sigma=0)).image


def _noisy(grey: GrayImage, rng: np.random.Generator) -> GrayImage:
    noise = NOISE * rng.standard_normal(grey.shape, np.float32)
    return np.asarray(np.clip(grey + noise, 0, 255), np.uint8)


def _write(folder: Path, name: str) -> Path:
    """Write the pictures of a kind and return their folder."""
    rng = np.random.default_rng(1)
    place = folder / name
    place.mkdir()
    for number, image in enumerate(_film(name)):
        cv2.imwrite(str(place / f"{number:04d}.png"), _noisy(luma_of(image), rng))
    return place


def _film(name: str) -> Iterator[Image]:
    if name == "still":
        page = _page(0)
        yield from (page for _ in range(30))
    elif name == "moving":
        page = _page(0)
        for step in range(30):
            yield np.roll(page, 12 * (step % 2) + step, axis=1)
    else:
        for index in range(6):
            page = _page(index)
            yield from (page for _ in range(int(RATE)))


# --- figures ---------------------------------------------------------------------------------


def _costs() -> int:
    missed = 0
    print(f"640x480 at {RATE:.0f} frames a second on one core, {DIGITS} digits a frame")
    print("film     frames/s  dropped  frames read  CPU ms/frame  CPU %  resident MB")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("moving", "still", "pages"):
            found = _run(_write(Path(folder), name), RATE, int(RATE * SECONDS))
            print(
                f"{name:8s} {found['frames_per_second']:8.1f}  {found['dropped']:7d}  "
                f"{found['read'] / found['frames']:11.0%}  {found['cpu_ms']:12.2f}  "
                f"{found['cpu_ms'] * RATE / 10:5.1f}  {found['peak_mb']:11.0f}"
            )
            missed += found["dropped"]
            late = found["latency_ms"]
        p50, p99 = np.percentile(late, [50, 99])
        print(
            f"latency from frame to published reading: p50 {p50:.1f} ms, p99 {p99:.1f} ms "
            f"({len(late)} readings)"
        )
    return int(missed > 0)


def _soak(frames: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        found = _run(_write(Path(folder), "pages"), 0, frames)
    after = {count: (resident, files) for count, resident, files in found["memory"]}
    (warm, warm_files), (end, end_files) = after[WARM_FRAMES], after[max(after)]
    growth = end / warm - 1
    print(f"{found['frames']} frames at {found['frames_per_second']:.0f} a second")
    print(f"resident after {WARM_FRAMES}: {warm / 1e6:.1f} MB, at the end: {end / 1e6:.1f} MB")
    print(f"growth {growth:+.2%} (wanted below {MAX_GROWTH:.0%})")
    print(f"file descriptors: {warm_files}, at the end {end_files}")
    return int(abs(growth) >= MAX_GROWTH or end_files > warm_files)


def _day() -> int:
    """Show a day of paper, hands and light at replay speed, and count what is published."""
    sheets = range(MINUTES_A_DAY // MINUTES_A_SHEET)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        found = list(processes.map(_read_sheet, sheets))
    frames, read = sum(each[0] for each in found), sum(each[1] for each in found)
    false = [reading for each in found for reading in each[2]]
    print(f"{MINUTES_A_DAY} minutes without a digit, {frames} frames, {read} read")
    print(f"{len(false)} false readings (wanted at most {MAX_FALSE})")
    for reading in false:
        print(f"  {reading.time:%H:%M} {reading.text} ({reading.confidence:.2f})")
    return int(len(false) > MAX_FALSE)


def _read_sheet(number: int) -> tuple[int, int, list[StableReading]]:
    """Read half an hour; return how many frames there were, were read, and what was published."""
    cv2.setNumThreads(1)  # there is a process a processor
    start = datetime(2026, 1, 1, tzinfo=UTC)
    time_s = 0.0
    stabilizer = Stabilizer(
        StabilizeSettings(), PlausibilitySettings(), now=lambda: start + timedelta(seconds=time_s)
    )
    live = LiveReader(Recognizer(), stabilizer)
    frames = 0
    found: list[StableReading] = []
    for minute in range(number * MINUTES_A_SHEET, (number + 1) * MINUTES_A_SHEET):
        for at_s, luma in _empty_minute(minute):
            time_s = 60 * minute + at_s
            frames += 1
            found += live.see(CameraFrame(luma, time_s))
    return frames, live.read_frames, found


def _empty_minute(minute: int) -> Iterator[tuple[float, GrayImage]]:
    """Yield a minute's frames, each with its second.

    The sheet lies for half an hour. Now and then a hand comes over it, rests, trembling as hands
    do, and goes; or the light changes.
    """
    sheet = _sheet(minute // MINUTES_A_SHEET)
    rng = np.random.default_rng(minute)
    has_hand, changes = rng.random() < 0.3, rng.random() < 0.1
    place = rng.uniform((0, SIZE[0] / 2), SIZE[::-1])
    way = rng.uniform(-60, 60, 2)
    skin, light = rng.uniform(80, 210), 1.0
    rests = int(rng.integers(0, 40))
    steps = 16 + rests if has_hand else 8
    for number in range(steps):
        view = sheet
        if has_hand:
            moved = min(number, 8) + max(number - 8 - rests, 0) - 8
            view = _with_hand(sheet, place + way * moved + rng.normal(0, TREMOR_PX, 2), skin)
        if changes:
            light *= rng.uniform(0.93, 1.07)
        yield number / 10, _noisy(np.asarray(np.clip(view * light, 0, 255), np.uint8), rng)
    for second in (15, 30, 45):
        yield second, _noisy(np.asarray(np.clip(sheet * light, 0, 255), np.uint8), rng)


@cache
def _sheet(number: int) -> GrayImage:
    rng = np.random.default_rng(number)
    look = random_look(rng, hard=number % 2 == 1)
    return luma_of(photograph(np.zeros(SIZE, np.uint8), look, rng))


def _with_hand(sheet: GrayImage, place: NDArray[np.float64], skin: float) -> GrayImage:
    """Lay a palm with four fingers and its shadow on a sheet."""
    hand = np.zeros(sheet.shape, np.uint8)
    x, y = place.tolist()
    fine = {"lineType": cv2.LINE_AA, "shift": 4}  # in sixteenths of a pixel
    cv2.ellipse(hand, _sixteenths(x, y), _sixteenths(90, 120), 0, 0, 360, (255,), -1, **fine)
    for finger in range(4):
        root = (x - 66 + 44 * finger, y - 80)
        tip = (root[0] + 10 * (finger - 1.5), y - 190 - 25 * (finger in (1, 2)))
        cv2.line(hand, _sixteenths(*root), _sixteenths(*tip), (255,), 34, **fine)
    shadow = np.zeros_like(hand)
    shadow[14:, 18:] = hand[:-14, :-18]
    dark = cv2.GaussianBlur(shadow, (0, 0), 9) / np.float32(255)
    roundness = cv2.GaussianBlur(hand, (0, 0), 12) / np.float32(255)
    cover = cv2.GaussianBlur(hand, (0, 0), 1) / np.float32(255)
    view = sheet * (1 - 0.45 * dark) * (1 - cover) + cover * skin * (0.6 + 0.4 * roundness)
    return np.asarray(view, np.uint8)


def _sixteenths(x: float, y: float) -> tuple[int, int]:
    return round(16 * x), round(16 * y)


if __name__ == "__main__":
    sys.exit(main())
