"""Lines that are read at one place frame after frame, whether or not pixels there change."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from .frame import Box, Line
from .places import Seen, Votes

TREMBLE_PX = 4
"""A line whose edges move by no more stands at one place."""
TREMBLE_PART = 8
"""Nor does one whose edges move by no more than this part of its height."""


@dataclass(eq=False)
class Track:
    """What was read at one place, to within a few px."""

    box: Box
    """Where it was read first."""
    since_s: float
    """When."""
    votes: Votes
    """Of the last frames."""
    is_told: bool = False
    """Whether it was told that this is withheld."""

    @property
    def line(self) -> Line | None:
        """What the last frame reads there."""
        return self.votes.seen[-1].line


class Tracks:
    """Follows the lines of all frames.

    Args:
        agree: In so many ...
        of: ... of so many frames a line must read the same.
    """

    def __init__(self, agree: int, of: int) -> None:
        self._agree, self._of = agree, of
        self._tracks: list[Track] = []

    def __iter__(self) -> Iterator[Track]:
        return iter(self._tracks)

    def update(self, lines: tuple[Line, ...], time_s: float) -> None:
        """Take a frame's lines in."""
        free = list(self._tracks)
        for line in lines:
            track = next((each for each in free if _is_near(each.box, line.box)), None)
            if track:
                free.remove(track)
            else:
                track = Track(line.box, time_s, Votes(deque(maxlen=self._of)))
                self._tracks.append(track)
            track.votes.add(Seen(line, time_s), self._agree)
        for track in free:
            track.votes.add(Seen(None, time_s), self._agree)
        self._tracks = [t for t in self._tracks if any(each.line for each in t.votes.seen)]

    def steady_s(self, line: Line, time_s: float) -> float:
        """Return for how long a line of the last frame has been read there; 0 is not at all."""
        track = next((each for each in self._tracks if each.line is line), None)
        if track is None or line not in track.votes.agreeing():
            return 0.0
        return time_s - track.votes.since_s

    def clear(self) -> None:
        """Forget all."""
        self._tracks = []


def _is_near(a: Box, b: Box) -> bool:
    most = max(TREMBLE_PX, a.height // TREMBLE_PART)
    edges = (a.x - b.x, a.right - b.right, a.y - b.y, a.bottom - b.bottom)
    return max(map(abs, edges)) <= most
