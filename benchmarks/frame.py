"""Time a frame takes, from its pixels to the digits, beside the usual pipeline's.

    python benchmarks/frame.py

The same rendered frames (four, 20 digits each, 640 x 480 and 1920 x 1080) go through the baseline
(baseline.py) and through digitcam in turns, in one process on one processor, under each TFLite
runtime that is installed, each in a process of its own. Times are medians in ms:

- luma: BGR to grey, and to the working resolution (1600 px) where the frame is larger;
- ink: blur and threshold (digitcam's floors are part of its marks);
- segment: ink to marks;
- crop: boxes to model images; imaging is these four together;
- classify: model images to digits, one call a frame (baseline: one a digit);
- lines: digits to lines in reading order, which the baseline does not do;
- frame: everything, for digitcam as ``Recognizer.read`` does it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import baseline
import cv2
import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from digitcam.edge import EdgeError, Recognizer
from digitcam.edge.bundle import DEFAULT_BUNDLE
from digitcam.edge.classify import MODULES, find_interpreter
from digitcam.edge.reading.ink import find_ink
from digitcam.edge.reading.marks import find_marks
from digitcam.edge.reading.view import model_images
from digitcam.edge.settings import Runtime, Settings
from digitcam.train.photograph import Look
from digitcam.train.scene import render_rows

Image = NDArray[np.uint8]
Times = dict[str, float]
"""Milliseconds by stage."""

SIZES = {"640x480": ((480, 640), 40), "1920x1080": ((1080, 1920), 100)}
"""Height and width, and the height of the digits, px."""
ROWS = ("31415", "92653", "58979", "32384")
DIGITS = sum(map(len, ROWS))
LOOKS = (
    Look(),
    Look(light_falloff=0.35, shadow_depth=0.3, texture=0.015),
    Look(paper_bgr=(170, 195, 205), ink_bgr=(130, 60, 40), blur_sigma_px=1.0),
    Look(paper_bgr=(160, 160, 165), ink_bgr=(60, 60, 60), ink_grain=0.2, light_angle=2.5),
)
"""Paper and pen in four lights; all with the sensor noise of a small camera, sigma 2."""
STAGES = ("luma", "ink", "segment", "crop", "imaging", "classify", "lines", "frame")
COMPARED = ("imaging", "classify", "frame")
TARGET_SIZE = "640x480"
MIN_RATIOS = {"imaging": 15, "frame": 5}
MAX_FRAME_MS = 5.6
"""Twice the 2.8 ms of a reader that took every mark for one digit and knew of no other."""


def main() -> int:
    """Print the times under each installed runtime; 1 if there is none or the bundle is amiss."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=DEFAULT_BUNDLE, help="bundle to run")
    parser.add_argument("--runtime", choices=tuple(MODULES), help="only this one, in this process")
    parser.add_argument("--rounds", type=int, default=15, help="times each frame is read")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    try:
        if options.runtime:
            find_interpreter(options.runtime)
            results: dict[str, Any] = {
                options.runtime: measure(options.model, options.runtime, options.rounds)
            }
        else:
            results = _measure_apart(options.model, options.rounds)
    except EdgeError as error:
        print(f"frame: {error}", file=sys.stderr)
        return 1
    if not results:
        return 1
    print(json.dumps(results) if options.json else _report(results))
    return 0


def measure(model: Path, runtime: Runtime, rounds: int) -> dict[str, Any]:
    """Time both pipelines on the same frames in turns, one size after the other."""
    cpu = _use_one_processor()
    recognizer = Recognizer(model, Settings(runtime=runtime, threads=1))
    network = baseline.Network(recognizer.bundle.model, runtime)
    sizes = {}
    for name, (size, height_px) in SIZES.items():
        frames = [
            render_rows(ROWS, default_rng(seed), size=size, height_px=height_px, look=look).image
            for seed, look in enumerate(LOOKS)
        ]
        usual: list[Times] = []
        ours: list[Times] = []
        for turn in range(rounds + 1):
            if turn == 1:  # The first one warmed up.
                usual, ours = [], []
            usual += [time_baseline(network, frame) for frame in frames]
            ours += [time_digitcam(recognizer, frame) for frame in frames]
        sizes[name] = _summary(usual, ours)
    return {"processor": cpu, "load": os.getloadavg()[0], "sizes": sizes}


def time_baseline(network: baseline.Network, bgr: Image) -> Times:
    """Read one frame as the tutorials do, by the clock."""
    start = perf_counter()
    smooth = baseline.blur(bgr)
    blurred = perf_counter()
    gray = baseline.to_gray(smooth)
    grayed = perf_counter()
    ink = baseline.threshold(gray)
    found = perf_counter()
    places = baseline.find_boxes(ink)
    segmented = perf_counter()
    images = [baseline.crop(ink, place) for place in places]
    cropped = perf_counter()
    digits = [network.digit(image) for image in images]
    end = perf_counter()
    return _ms(
        luma=grayed - blurred,
        ink=blurred - start + found - grayed,
        segment=segmented - found,
        crop=cropped - segmented,
        imaging=cropped - start,
        classify=end - cropped,
        frame=end - start,
    ) | {"marks": len(digits)}


def time_digitcam(recognizer: Recognizer, bgr: Image) -> Times:
    """Read one frame twice by the clock: as a whole, and stage by stage."""
    start = perf_counter()
    recognizer.read_frame(recognizer.frame(bgr))
    whole = perf_counter() - start
    start = perf_counter()
    frame = recognizer.frame(bgr)
    grayed = perf_counter()
    ink = find_ink(frame.luma)
    found = perf_counter()
    marks = find_marks(ink)
    segmented = perf_counter()
    images = model_images(marks)
    cropped = perf_counter()
    recognizer.classifier.probabilities(images)
    end = perf_counter()
    return _ms(
        luma=grayed - start,
        ink=found - grayed,
        segment=segmented - found,
        crop=cropped - segmented,
        imaging=cropped - start,
        classify=end - cropped,
        lines=whole - (end - start),
        frame=whole,
    ) | {"marks": len(marks)}


def _measure_apart(model: Path, rounds: int) -> dict[str, Any]:
    """Measure under each runtime in a process of its own: they carry the same C++ symbols."""
    results: dict[str, Any] = {}
    for runtime in MODULES:
        command = [sys.executable, __file__, "--json", "--model", str(model), "--runtime", runtime]
        run = subprocess.run(
            [*command, "--rounds", str(rounds)], capture_output=True, text=True, check=False
        )
        if run.returncode:
            print(f"{runtime}: skipped, {run.stderr.strip()}", file=sys.stderr)
        else:
            results |= json.loads(run.stdout)
    return results


def _use_one_processor() -> int | None:
    """Pin the process and OpenCV to one processor; which one, where the system tells."""
    cv2.setNumThreads(1)
    if not hasattr(os, "sched_setaffinity"):
        return None
    cpu = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpu})
    return cpu


def _ms(**seconds: float) -> Times:
    return {stage: 1e3 * value for stage, value in seconds.items()}


def _summary(usual: list[Times], ours: list[Times]) -> dict[str, Any]:
    before, after = (
        {stage: float(np.median([times[stage] for times in every])) for stage in every[0]}
        for every in (usual, ours)
    )
    return {
        "baseline": before,
        "digitcam": after,
        "ratio": {stage: before[stage] / after[stage] for stage in COMPARED},
        "frames_per_second": 1e3 / after["frame"],
    }


def _report(results: dict[str, Any]) -> str:
    """Lay the results out as a table a size and runtime, and judge the targets."""
    text = [f"{len(LOOKS)} frames with {DIGITS} digits each, one processor, median ms"]
    for runtime, result in results.items():
        for size, found in result["sizes"].items():
            usual, ours = found["baseline"], found["digitcam"]
            text += ["", f"{runtime}, {size}, load {result['load']:.1f}"]
            text.append(f"  {'stage':<10}{'baseline':>10}{'digitcam':>10}{'ratio':>8}")
            for stage in STAGES:
                before = f"{usual[stage]:10.2f}" if stage in usual else f"{'-':>10}"
                ratio = f"{found['ratio'][stage]:7.1f}x" if stage in found["ratio"] else ""
                text.append(f"  {stage:<10}{before}{ours[stage]:10.2f}{ratio}")
            text.append(f"  {'marks':<10}{usual['marks']:10.0f}{ours['marks']:10.0f}")
            text.append(f"  {found['frames_per_second']:.0f} frames a second")
    if "litert" in results:
        text += ["", *_targets(results["litert"]["sizes"][TARGET_SIZE])]
    return "\n".join(text)


def _targets(found: dict[str, Any]) -> list[str]:
    """Say of each target whether it was met."""
    ratio, ms = found["ratio"], found["digitcam"]["frame"]
    judged = [
        (f"{stage} {ratio[stage]:.1f}x as fast", f"at least {least}x", ratio[stage] >= least)
        for stage, least in MIN_RATIOS.items()
    ]
    judged.append((f"frame {ms:.2f} ms", f"at most {MAX_FRAME_MS} ms", ms <= MAX_FRAME_MS))
    return [
        f"litert, {TARGET_SIZE}: {what} ({target}: {'met' if met else 'MISSED'})"
        for what, target, met in judged
    ]


if __name__ == "__main__":
    sys.exit(main())
