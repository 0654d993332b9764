"""Which frames of a camera are wanted."""

from __future__ import annotations

import pytest

from digitcam.edge.sources.pace import Limit


@pytest.mark.parametrize("camera", [10.0, 12.5, 24.0, 25.0, 30.0, 60.0])
def test_a_limit_gives_just_the_rate(camera: float) -> None:
    """Of a faster camera's frames, ten a second are wanted, on average and within 1 %."""
    limit = Limit(10)
    wanted = sum(limit.wants(k / camera) for k in range(round(100 * camera)))
    assert wanted == pytest.approx(1000, rel=0.01)


def test_a_limit_takes_all_of_a_slower_camera() -> None:
    """No frame of a camera at or below the rate is left out, though some come early."""
    limit = Limit(10)
    early_s = (0.0, 0.02, -0.03, 0.04, -0.04)
    assert all(limit.wants(k / 9 + early_s[k % 5]) for k in range(1000))


def test_a_limit_does_not_catch_up() -> None:
    """After a pause frames are as far apart as ever."""
    limit = Limit(10)
    assert limit.wants(0)
    wanted = [k / 50 for k in range(500, 550) if limit.wants(k / 50)]
    assert 9 <= len(wanted) <= 11


def test_no_limit_takes_all() -> None:
    """0 is as fast as they come."""
    limit = Limit(0)
    assert all(limit.wants(k * 1e-6) for k in range(10))
