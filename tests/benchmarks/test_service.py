"""The service's benchmark measures what it says it measures."""

from pathlib import Path

import pytest

service = pytest.importorskip("service", reason="benchmarks/ is not importable")


def test_a_run_counts_frames_and_memory(tmp_path: Path) -> None:
    """A run takes in as many frames as it is told to, at full speed, and reads few of a still."""
    found = service._run(service._write(tmp_path, "still"), 0, 1200)
    assert 1200 <= found["frames"] < 2000  # the end is a signal, which takes a moment
    assert found["read"] < 12
    assert [count for count, _, _ in found["memory"]] == [1000]
    assert found["peak_mb"] > 20


def test_a_minute_without_digits_may_have_a_hand() -> None:
    """Frames are of one size, a few a minute; in some minutes a hand moves from frame to frame."""
    minutes = [list(service._empty_minute(number)) for number in range(6)]
    assert {frame.shape for minute in minutes for _, frame in minute} == {service.SIZE}
    assert all([at for at, _ in minute] == sorted(at for at, _ in minute) for minute in minutes)
    moved = [abs(minute[0][1].astype(int) - minute[4][1]).max() for minute in minutes]
    assert min(moved) < 40 < max(moved)
