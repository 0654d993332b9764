"""Readings of frames to stable readings: what agrees over frames is published, once."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .frame import Box, Line, Reading, StableReading, only_ones
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
class _Place:
    """Where a line stands or stood, and what was read there."""

    box: Box
    seen: deque[_Seen]
    last_seen_s: float
    """When a line was there, or may have been under something that moved."""
    looked_s: float = 0.0
    """When the place was looked at last while nothing moved there."""
    stable: str | None = None
    """What enough of the last frames agree on ..."""
    stable_since_s: float = 0.0
    published: str | None = None
    """What was published last and is not gone."""
    published_s: float = 0.0
    suspect: bool = False
    """Whether it was suspect by its step alone."""
    memory: Memory = field(default_factory=Memory)

    def agreeing(self) -> list[Line]:
        """Return the lines of the last frames that read what is stable."""
        return [each.line for each in self.seen if each.line and each.text == self.stable]

    def confidence(self) -> float:
        """Return their mean confidence."""
        lines = self.agreeing()
        return sum(line.confidence for line in lines) / len(lines)


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
            if place.seen[-1].line:
                place.last_seen_s = time_s
        return self._pass(time_s)

    def _pass(self, time_s: float) -> list[StableReading]:
        found = [self._publish(place, time_s) for place in self._places if self._due(place, time_s)]
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
            (p for p in self._places if p.published == line.text and id(p) not in pairs), None
        )
        if place is None:
            place = _Place(line.box, deque(maxlen=self.settings.of), time_s)
            self._places.append(place)
        pairs[id(place)] = line
        place.box, place.last_seen_s = line.box, time_s
        self._look(place, line, time_s)

    def _look(self, place: _Place, line: Line | None, time_s: float) -> None:
        """Note what stands there; see what enough of the last frames agree on, and since when."""
        place.seen.append(_Seen(line, time_s))
        place.looked_s = time_s
        texts = [each.text for each in place.seen]
        stable = next((t for t in texts if t and texts.count(t) >= self.settings.agree), None)
        if stable and stable != place.stable:
            place.stable_since_s = next(s.time_s for s in place.seen if s.text == stable)
        place.stable = stable

    def _due(self, place: _Place, time_s: float) -> bool:
        if place.stable is None or place.looked_s != time_s or place.seen[-1].text != place.stable:
            return False  # it is hidden now, or misread
        if place.confidence() < self.settings.min_confidence:
            return False
        if place.stable == place.published:
            since_s = time_s - place.published_s
            return place.suspect and since_s >= self.plausibility.accept_after_s
        settings = self.settings
        ones_s = settings.ones_stable_s if only_ones(place.stable) else 0
        least_s = max(ones_s, settings.min_stable_s)
        return time_s - place.stable_since_s >= least_s

    def _publish(self, place: _Place, time_s: float) -> StableReading:
        """Judge what is stable at a place; what stayed suspect for long is accepted now."""
        lines = place.agreeing()
        text = lines[-1].text
        suspect = broken_rule(text, self.plausibility)
        step = too_far(text, place.memory, self.plausibility)
        persistent = place.suspect and text == place.published
        place.suspect = suspect is None and step is not None and not persistent
        suspect = suspect or (step if place.suspect else None)
        place.memory = place.memory.after(text, suspect)
        place.published, place.published_s = text, time_s
        return StableReading(
            id=uuid.uuid4().hex,
            time=self._now(),
            line=lines[-1],
            confidence=place.confidence(),
            agreed=(len(lines), len(place.seen)),
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
            if place.memory.raw is not None or any(each.line for each in place.seen)
        ]
        if len(self._places) > MAX_PLACES:
            self._places.sort(key=lambda place: place.last_seen_s)
            del self._places[:-MAX_PLACES]


def _overlap(a: Box, b: Box) -> float:
    """Return which part of the smaller box the other one covers, 0 to 1."""
    return a.intersection(b) / min(a.area, b.area)
