"""How many numbers were chosen by hand in the reading part, and how many lines it has.

    python benchmarks/constants.py

A number counts that is written in the code, with a name or without, unless it is 0, 1, 2, a half or
255, or says which element of an array is meant; one that stands in several places counts at each.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

READING = Path(__file__).parents[1] / "edge" / "reading"
PLAIN = (0, 1, 2, 0.5, 255)
"""Not chosen: nothing, one, both, half, and the brightest grey level."""


def constants(source: str) -> Iterator[tuple[int, float]]:
    """Yield the line and the value of each number in a module that counts."""
    tree = ast.parse(source)
    indices = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        for part in ast.walk(node.slice)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in indices:
            continue
        value = node.value
        if isinstance(value, int | float) and not isinstance(value, bool) and value not in PLAIN:
            yield node.lineno, value


def main() -> int:
    """Print a row a module, and the sums."""
    numbers = lines = 0
    for path in sorted(READING.glob("*.py")):
        source = path.read_text()
        found = [value for _, value in sorted(constants(source))]
        count = len(source.splitlines())
        numbers, lines = numbers + len(found), lines + count
        print(
            f"{path.stem:14}{count:6}{len(found):6}   {' '.join(f'{value:g}' for value in found)}"
        )
    print(f"{'sum':14}{lines:6}{numbers:6}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
