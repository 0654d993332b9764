"""The numbers of the reading part are counted, and do not become more."""

import pytest

constants = pytest.importorskip("constants", reason="benchmarks/ is not importable")

MOST, MOST_LINES = 86, 2220
"""Numbers that were chosen by hand, and lines, in the reading part. Lower them as it shrinks."""


def test_what_counts() -> None:
    """Named or bare, in a tuple or not; but neither what is plain nor which element is meant."""
    source = "A, B = 0.3, (7, 255)\nx = y[3] + y[:, 4:5] * 2 - 0.5 + 9\nz = True\n"
    assert sorted(constants.constants(source)) == [(1, 0.3), (1, 7), (2, 9)]


def test_the_reading_part_does_not_grow(capsys: pytest.CaptureFixture[str]) -> None:
    """Each module has a row, and the sums stay below what they were."""
    assert constants.main() == 0
    *rows, total = capsys.readouterr().out.splitlines()
    assert {row.split()[0] for row in rows} >= {"ink", "marks", "beliefs", "recognize"}
    name, lines, numbers = total.split()
    assert name == "sum"
    assert int(numbers) <= MOST
    assert int(lines) <= MOST_LINES
