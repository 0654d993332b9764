"""A clock that jumps by a year, either way, loses nothing and delays nothing."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digitcam.edge.frame import Box, Digit, Line, Reading
from digitcam.edge.settings import PlausibilitySettings, SinkSettings, StabilizeSettings
from digitcam.edge.sinks import sinks_of
from digitcam.edge.sinks.writer import SinkWriter
from digitcam.edge.stabilize import Stabilizer

YEAR = timedelta(days=365)
START = datetime(2026, 11, 21, 12, tzinfo=UTC)


def jumping(*jumps: timedelta) -> Iterator[datetime]:
    """Yield the time of day at each publication, with a jump after each third one."""
    now = START
    for jump in jumps:
        for _ in range(3):
            now += timedelta(seconds=1)
            yield now
        now += jump


@pytest.mark.parametrize("jumps", [(YEAR, YEAR, -YEAR), (-YEAR, YEAR, YEAR), (-YEAR, -YEAR, YEAR)])
def test_a_clock_that_jumps(jumps: tuple[timedelta, ...], tmp_path: Path) -> None:
    """Every number is published in its turn, and both files keep all of them in that order."""
    times = list(jumping(*jumps))
    clock = iter(times)
    stabilizer = Stabilizer(
        StabilizeSettings(), PlausibilitySettings(max_step=5), now=lambda: next(clock)
    )
    writer = SinkWriter(sinks_of(SinkSettings(("sqlite", "jsonl"), str(tmp_path))), 100)
    writer.start()
    numbers = [str(100 + i) for i in range(len(times))]
    time_s = 0.0
    for text in numbers:
        digits = (Digit(int(sign), 0.9, Box(20 * i, 0, 18, 30)) for i, sign in enumerate(text))
        reading = Reading((Line(tuple(digits)),), 0, 640, 480)
        for _ in range(10):
            time_s += 0.1
            for found in stabilizer.update(reading, time_s):
                writer.put(found)
    assert writer.close(10) == {}
    lines = [json.loads(line) for line in (tmp_path / "readings.jsonl").read_text().splitlines()]
    assert [line["value"] for line in lines] == numbers
    assert [datetime.fromisoformat(line["time"]) for line in lines] == times
    with sqlite3.connect(tmp_path / "readings.db") as database:
        assert [row[0] for row in database.execute("SELECT text FROM readings")] == numbers
