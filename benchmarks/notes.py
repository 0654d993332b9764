"""Photographed notes: numbers read exactly, and digits read on pages that hold none.

    python benchmarks/notes.py --data FOLDER

The folder (or DIGITCAM_DATA) holds ``notes/`` with its ``truth.json``: file -> numbers in order.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from digitcam.edge import EdgeError, Recognizer
from digitcam.edge.bundle import DEFAULT_BUNDLE

TARGET = 8
"""Numbers of the eleven that must be exact."""


def main() -> int:
    """Print each page's reading and the totals; 1 if the pages are not there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("DIGITCAM_DATA"))
    parser.add_argument("--model", type=Path, default=DEFAULT_BUNDLE)
    options = parser.parse_args()
    notes = Path(options.data or ".") / "notes"
    try:
        truth: dict[str, list[str]] = json.loads((notes / "truth.json").read_text())
        recognizer = Recognizer(options.model)
        exact = total = false_digits = 0
        for name, numbers in truth.items():
            lines = [line.text for line in recognizer.read(notes / name).lines]
            if numbers:
                found = sum(number in lines for number in numbers)
                exact, total = exact + found, total + len(numbers)
                print(f"{name}: {found} of {len(numbers)} exact; read {' '.join(lines)}")
            else:
                count = sum(map(len, lines))
                false_digits += count
                print(f"{name}: {count} digits read where there is no number")
    except (OSError, EdgeError) as error:
        print(f"notes: {error}; give the folder with --data", file=sys.stderr)
        return 1
    verdict = "met" if exact >= TARGET else "MISSED"
    print(f"numbers exact: {exact} of {total} (at least {TARGET}: {verdict})")
    print(f"digits read on pages without numbers: {false_digits}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
