"""Places of lines, and what the last frames read there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from .frame import Box, Line, fits, is_whole
from .plausible import Memory


@dataclass(frozen=True)
class Seen:
    """What one frame showed at a place."""

    line: Line | None
    time_s: float
    """When it was taken, seconds of the monotonic clock."""

    @property
    def text(self) -> str | None:
        """What the line reads, if there is one."""
        return self.line.text if self.line else None


@dataclass
class Votes:
    """What the last frames read at a place, and what enough of them agree on."""

    seen: deque[Seen]
    stable: str | None = None
    since_s: float = 0.0

    def add(self, seen: Seen, agree: int) -> None:
        """Count a frame; note what so many agree on now, and since when."""
        self.seen.append(seen)
        texts = [each.text for each in self.seen]
        stable = next((t for t in texts if t and len(self._for(t)) >= agree), None)
        if stable and not (self.stable and _agree(stable, self.stable)):
            self.since_s = self._for(stable)[0].time_s
        self.stable = stable

    def _for(self, text: str) -> list[Seen]:
        return [each for each in self.seen if each.text and _agree(each.text, text)]

    def agreeing(self) -> list[Line]:
        """Return the lines of the last frames that read what is stable."""
        return [each.line for each in self._for(self.stable or "") if each.line]

    def leaves_open(self, line: Line) -> bool:
        """Say whether a line's ``?`` may be what another frame told there."""
        lines = [each.line for each in self.seen if each.line and each.line.is_whole]
        return not line.is_whole and any(fits(line.text, other.text) for other in lines)


@dataclass
class Place:
    """Where a line stands or stood, and what was read there."""

    box: Box
    frames: Votes
    """Of the last frames."""
    votes: Votes
    """Of the last frames, less those that leave open whether they read what others told."""
    last_seen_s: float
    """When a line was there, or may have been under something that moved."""
    looked_s: float = 0.0
    """When the place was looked at last while nothing moved there."""
    published: str | None = None
    """What was published last and is not gone."""
    published_s: float = 0.0
    suspect: bool = False
    """Whether it was suspect by its step alone."""
    memory: Memory = field(default_factory=Memory)

    @property
    def newest(self) -> Seen:
        """The last frame."""
        return self.frames.seen[-1]

    def settled(self) -> Votes | None:
        """Return by which frames it is stable what the last one reads, or leaves open."""
        text = self.newest.text
        for votes in (self.votes, self.frames):
            if text and votes.stable and fits(text, votes.stable):
                return votes
        return None

    def empty(self, time_s: float) -> None:
        """Forget what was read and published, not what numbers there are judged by."""
        for votes in (self.frames, self.votes):
            votes.seen.clear()
            votes.stable = None
        self.frames.seen.append(Seen(None, time_s))
        self.published, self.suspect = None, False

    def is_told_already(self, text: str) -> bool:
        """Say whether a line is what was published last, or may be."""
        known = self.published or ""
        return text == known or (not is_whole(text) and fits(text, known))


def _agree(text: str, other: str) -> bool:
    """Say whether two frames read the same, be it with ``?`` at other digits."""
    return text == other or (not is_whole(text) and not is_whole(other) and fits(text, other))
