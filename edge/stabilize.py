"""Readings of frames to stable readings: what agrees over frames is published, once.

A frame that reads 13?45 does not speak against 13745, and not for it: it counts as if it had not
been taken, and frames that read 13745 are waited for. Only where 13?45 is all that can be had, or
what of it can be told changes from frame to frame, is it published, as suspect; and not again while
what is read fits what was published.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .frame import Box, Line, Reading, StableReading, fits, is_whole, only_ones
from .plausible import Memory, broken_rule, too_far
from .settings import PlausibilitySettings, StabilizeSettings

MIN_OVERLAP = 0.5
"""Part of the smaller box from which two lines lie at one place."""
MAX_PLACES = 256
"""Places that are remembered; those not seen for longest go first."""


@dataclass(frozen=True)
class _Seen:
    """What one frame showed at a place."""

    line: Line | None
    time_s: float

    @property
    def text(self) -> str | None:
        return self.line.text if self.line else None


@dataclass
class _Votes:
    """What the last frames read at a place, and what enough of them agree on."""

    seen: deque[_Seen]
    stable: str | None = None
    since_s: float = 0.0

    def add(self, seen: _Seen, agree: int) -> None:
        """Count a frame; note what so many agree on now, and since when."""
        self.seen.append(seen)
        texts = [each.text for each in self.seen]
        stable = next((t for t in texts if t and len(self._for(t)) >= agree), None)
        if stable and not (self.stable and _agree(stable, self.stable)):
            self.since_s = self._for(stable)[0].time_s
        self.stable = stable

    def _for(self, text: str) -> list[_Seen]:
        return [each for each in self.seen if each.text and _agree(each.text, text)]

    def agreeing(self) -> list[Line]:
        """Return the lines of the last frames that read what is stable."""
        return [each.line for each in self._for(self.stable or "") if each.line]

    def leaves_open(self, line: Line) -> bool:
        """Say whether a line's ``?`` may be what another frame told there."""
        lines = [each.line for each in self.seen if each.line and each.line.is_whole]
        return not line.is_whole and any(fits(line.text, other.text) for other in lines)


@dataclass
class _Place:
    """Where a line stands or stood, and what was read there."""

    box: Box
    frames: _Votes
    """Of the last frames."""
    votes: _Votes
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
    def newest(self) -> _Seen:
        """The last frame."""
        return self.frames.seen[-1]

    def settled(self) -> _Votes | None:
        """Return by which frames it is stable what the last one reads, or leaves open."""
        text = self.newest.text
        for votes in (self.votes, self.frames):
            if text and votes.stable and fits(text, votes.stable):
                return votes
        return None

    def is_told_already(self, text: str) -> bool:
        """Say whether a line is what was published last, or may be."""
        known = self.published or ""
        return text == known or (not is_whole(text) and fits(text, known))


class Stabilizer:
    """Finds the same line in frame after frame, and says once what it reads.

    Lines are told apart by their place. Where the picture moves, such as under a hand, nothing is
    taken for read or gone.

    Args:
        settings: How many frames must agree, and for how long.
        plausibility: What a number must be like.
        source: The source's name, for what is published.
        now: Tells the time of day, UTC.
    """

    def __init__(
        self,
        settings: StabilizeSettings,
        plausibility: PlausibilitySettings,
        source: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings = settings
        self.plausibility = plausibility
        self._source = source
        self._now = now
        self._places: list[_Place] = []
        self._model = ""

    def update(
        self, reading: Reading, time_s: float, is_moving: Callable[[Box], bool] = lambda _: False
    ) -> list[StableReading]:
        """Take a frame's reading in; return what became stable.

        Args:
            reading: What was read in the frame.
            time_s: When the frame was taken, seconds of the monotonic clock.
            is_moving: Says whether the picture changes in a box.
        """
        self._model = reading.model
        pairs = self._matched(reading.lines)
        for place in self._places:
            line = pairs.get(id(place))
            if is_moving(line.box if line else place.box):
                place.last_seen_s = time_s  # perhaps it is under a hand
                continue
            if line:
                place.box, place.last_seen_s = line.box, time_s
            self._look(place, line, time_s)
        known = {id(line) for line in pairs.values()}
        for line in reading.lines:
            if id(line) not in known and not is_moving(line.box):
                self._begin(line, time_s, pairs)
        return self._pass(time_s)

    def tick(self, time_s: float) -> list[StableReading]:
        """Let time pass over a picture that has not changed; return what became stable by it."""
        for place in self._places:
            place.looked_s = time_s
            if place.newest.line:
                place.last_seen_s = time_s
        return self._pass(time_s)

    def _pass(self, time_s: float) -> list[StableReading]:
        found = [
            self._publish(place, votes, time_s)
            for place in self._places
            if (votes := self._due(place, time_s))
        ]
        for place in self._places:
            if time_s - place.last_seen_s >= self.settings.gone_after_s:
                place.published = None
        self._forget()
        return found

    def _matched(self, lines: tuple[Line, ...]) -> dict[int, Line]:
        """Return the line of each place, by the place's id, those that overlap most first."""
        overlaps = [
            (_overlap(place.box, line.box), p, n)
            for p, place in enumerate(self._places)
            for n, line in enumerate(lines)
        ]
        pairs: dict[int, Line] = {}
        taken: set[int] = set()
        for overlap, p, n in sorted(overlaps, reverse=True):
            key = id(self._places[p])
            if overlap >= MIN_OVERLAP and key not in pairs and n not in taken:
                pairs[key] = lines[n]
                taken.add(n)
        return pairs

    def _begin(self, line: Line, time_s: float, pairs: dict[int, Line]) -> None:
        """Take a line at a new place in, or one that moved there from another."""
        place = next(
            (p for p in self._places if p.is_told_already(line.text) and id(p) not in pairs), None
        )
        if place is None:
            frames, votes = (_Votes(deque(maxlen=self.settings.of)) for _ in range(2))
            place = _Place(line.box, frames, votes, time_s)
            self._places.append(place)
        pairs[id(place)] = line
        place.box, place.last_seen_s = line.box, time_s
        self._look(place, line, time_s)

    def _look(self, place: _Place, line: Line | None, time_s: float) -> None:
        """Note what stands there; see what enough of the last frames agree on, and since when."""
        seen = _Seen(line, time_s)
        place.looked_s = time_s
        place.frames.add(seen, self.settings.agree)
        if line is None or not place.votes.leaves_open(line):
            place.votes.add(seen, self.settings.agree)

    def _due(self, place: _Place, time_s: float) -> _Votes | None:
        """Return the frames whose line is to be published now, if there is one."""
        votes = place.settled()
        if votes is None or place.looked_s != time_s:
            return None  # it is hidden now, or misread
        settings, lines = self.settings, votes.agreeing()
        if _mean([line.told_confidence for line in lines]) < settings.min_confidence:
            return None
        text = lines[-1].text
        if place.is_told_already(text):
            persists = time_s - place.published_s >= self.plausibility.accept_after_s
            still = place.newest.text == place.published
            return votes if place.suspect and persists and still else None
        ones_s = settings.ones_stable_s if only_ones(text) else 0
        least_s = max(ones_s, settings.min_stable_s)
        return votes if time_s - votes.since_s >= least_s else None

    def _publish(self, place: _Place, votes: _Votes, time_s: float) -> StableReading:
        """Judge what is stable at a place; what stayed suspect for long is accepted now."""
        lines = votes.agreeing()
        text = lines[-1].text
        suspect = broken_rule(text, self.plausibility)
        step = None if suspect else too_far(text, place.memory, self.plausibility)
        persistent = place.suspect and text == place.published
        place.suspect = step is not None and not persistent
        suspect = suspect or (step if place.suspect else None)
        place.memory = place.memory.after(text, suspect)
        place.published, place.published_s = text, time_s
        return StableReading(
            id=uuid.uuid4().hex,
            time=self._now(),
            line=lines[-1],
            confidence=_mean([line.confidence for line in lines]),
            agreed=(len(lines), len(votes.seen)),
            value=place.memory.accepted,
            suspect=suspect,
            source=self._source,
            model=self._model,
        )

    def _forget(self) -> None:
        """Drop places where nothing was published, once gone, and the oldest of too many."""
        self._places = [
            place
            for place in self._places
            if place.published is not None
            or place.memory.raw is not None
            or any(each.line for each in place.frames.seen)
        ]
        if len(self._places) > MAX_PLACES:
            self._places.sort(key=lambda place: place.last_seen_s)
            del self._places[:-MAX_PLACES]


def _agree(text: str, other: str) -> bool:
    """Say whether two frames read the same, be it with ``?`` at other digits."""
    return text == other or (not is_whole(text) and not is_whole(other) and fits(text, other))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _overlap(a: Box, b: Box) -> float:
    """Return which part of the smaller box the other one covers, 0 to 1."""
    return a.intersection(b) / min(a.area, b.area)
