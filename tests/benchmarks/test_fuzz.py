"""A short run of the mutated pictures."""

import pytest

fuzz = pytest.importorskip("fuzz", reason="benchmarks/ is not importable")


def test_a_short_run_keeps_within_the_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    """No process dies, and no picture takes too long or too much memory."""
    assert fuzz.main(["--count", "1000", "--workers", "1"]) == 0
    assert "1000 pictures" in capsys.readouterr().out


def test_the_same_number_gives_the_same_picture() -> None:
    """A picture that is told of can be made again, and differs from the others."""
    assert fuzz.mutated(7) == fuzz.mutated(7) != fuzz.mutated(8)
