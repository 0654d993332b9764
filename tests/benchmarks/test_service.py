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


def test_a_scene_without_digits_has_hands() -> None:
    """A scene is so many frames of one size; in some a hand moves from frame to frame."""
    scenes = [list(service._empty_scene(service.np.random.default_rng(i))) for i in range(4)]
    assert all(len(scene) == service.FRAMES_A_SCENE for scene in scenes)
    assert {frame.shape for scene in scenes for frame in scene} == {service.SIZE}
    moved = [abs(scene[0].astype(int) - scene[1]).max() for scene in scenes]
    assert min(moved) < 40 < max(moved)
