"""Start to finish of ``edge-predict``, beside a bare import of what it needs.

    python benchmarks/startup.py

Wall time and peak resident memory of whole processes, in turns, medians, under each TFLite runtime
that is installed. A first, uncounted turn compiles the bytecode, as pip does where it installs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter

from digitcam.edge.classify import MODULES

SAMPLE = Path(__file__).parent.parent / "docs" / "sample.png"
MAX_RATIO, MAX_MEMORY_MB = 1.5, 90
TARGET_RUNTIME = "tflite-runtime"


def run(command: list[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Return wall milliseconds and peak resident memory in MB (10**6 bytes) of a process."""
    start = perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall_ms = (perf_counter() - start) * 1e3
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"startup: {' '.join(command)} ended with {process.returncode}")
    return wall_ms, usage.ru_maxrss * 1024 / 1e6


def main() -> int:
    """Measure under every runtime that is installed, or the one that is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runtime", choices=tuple(MODULES), help="only this one")
    parser.add_argument("--runs", type=int, default=15, help="times each process is run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for runtime in [options.runtime] if options.runtime else MODULES:
            if find_spec(MODULES[runtime].split(".")[0]):
                _compare(runtime, options.runs, environment)
            else:
                print(f"{runtime}: skipped, not installed")
    return 0


def _compare(runtime: str, runs: int, environment: Mapping[str, str]) -> None:
    """Run both processes in turns and print their medians."""
    predict = str(Path(sys.executable).parent / "edge-predict")
    commands = {
        "edge-predict": [predict, str(SAMPLE), "--runtime", runtime],
        "bare import": [sys.executable, "-c", f"import cv2, numpy, {MODULES[runtime]}"],
    }
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            measured = run(command, environment)
            if turn:
                rows[name].append(measured)
    print(f"{runtime}:")
    for name, measurements in rows.items():
        wall, memory = (median(column) for column in zip(*measurements, strict=True))
        print(f"  {name:<13}{wall:6.0f} ms {memory:6.1f} MB peak")
    pairs = zip(rows["edge-predict"], rows["bare import"], strict=True)
    ratio = median([ours[0] / bare[0] for ours, bare in pairs])
    peak = median([memory for _, memory in rows["edge-predict"]])
    print(f"  {ratio:.2f} times the bare import's wall time")
    if runtime == TARGET_RUNTIME:
        print(
            f"  at most {MAX_RATIO} times: {_verdict(ratio <= MAX_RATIO)}; "
            f"at most {MAX_MEMORY_MB} MB: {_verdict(peak <= MAX_MEMORY_MB)}"
        )


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
