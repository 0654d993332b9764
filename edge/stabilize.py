"""Readings of frames to stable readings: what agrees over frames is published, once.

A frame that reads 13?45 does not speak against 13745, and not for it: it counts as if it had not
been taken, and frames that read 13745 are waited for. Only where 13?45 is all that can be had, or
what of it can be told changes from frame to frame, is it published, as suspect; and not again while
what is read fits what was published.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from .frame import Box, Line, Reading, StableReading, only_ones
from .places import Place, Seen, Votes
from .plausible import broken_rule, too_far
from .settings import PlausibilitySettings, StabilizeSettings
from .tracks import Track, Tracks

MIN_OVERLAP = 0.5
"""Part of the smaller box from which two lines lie at one place."""
MAX_PLACES = 256
"""Places that are remembered; those not seen for longest go first."""


@dataclass(frozen=True)
class Withheld:
    """A line that is read and not published."""

    line: Line
    why: str
    since_s: float
    """When it was read there first, seconds of the monotonic clock."""
    track: Track

    def __str__(self) -> str:
        box = self.line.box
        return f"{self.line.text} at {box.x}, {box.y} is withheld: {self.why}"


class Stabilizer:
    """Finds the same line in frame after frame, and says once what it reads.

    Lines are told apart by their place. Where the picture moves, such as under a hand, nothing is
    taken for gone, and for read only what stays the same at one place for long: a camera may
    tremble, and lamps may flicker.

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
        self._places: list[Place] = []
        self._model = ""
        self._tracks = Tracks(settings.agree, settings.of)

    def update(
        self, reading: Reading, time_s: float, is_moving: Callable[[Box], bool] = lambda _: False
    ) -> list[StableReading]:
        """Take a frame's reading in; return what became stable.

        Args:
            reading: What was read in the frame.
            time_s: When the frame was taken, seconds of the monotonic clock.
            is_moving: Says whether the picture changes in a box.
        """
        self._tracks.update(reading.lines, time_s)
        self._model = reading.model
        pairs = self._matched(reading.lines)
        for place in self._places:
            line = pairs.get(id(place))
            moves = is_moving(line.box if line else place.box)
            if moves and not (line and self._stands(line, time_s, place.published)):
                place.last_seen_s = time_s  # perhaps it is under a hand
                continue
            if line:
                place.box, place.last_seen_s = line.box, time_s
            self._look(place, line, time_s)
        known = {id(line) for line in pairs.values()}
        for line in reading.lines:
            if id(line) in known:
                continue
            if not is_moving(line.box) or self._stands(line, time_s):
                self._begin(line, time_s, pairs)
        return self._pass(time_s)

    def tick(self, time_s: float) -> list[StableReading]:
        """Let time pass over a picture that has not changed; return what became stable by it."""
        for place in self._places:
            place.looked_s = time_s
            if place.newest.line:
                place.last_seen_s = time_s
        return self._pass(time_s)

    def begin_anew(self, time_s: float) -> None:
        """Forget what was published: another picture follows, of its own."""
        self._tracks.clear()
        for place in self._places:
            place.empty(time_s)

    def withheld(self, time_s: float) -> Iterator[Withheld]:
        """Yield the lines of the last frame that were not published, and why."""
        for track in self._tracks:
            if (line := track.line) is None:
                continue
            here = [p for p in self._places if _overlap(p.box, line.box) >= MIN_OVERLAP]
            if not any(place.is_told_already(line.text) for place in here):
                place = next((p for p in here if p.newest.line is line), None)
                yield Withheld(line, self._why(place, time_s), track.since_s, track)

    def _why(self, place: Place | None, time_s: float) -> str:
        """Say what a line that is not published lacks."""
        settings = self.settings
        votes = place.settled() if place else None
        if place is None or place.looked_s != time_s:
            return "moving"
        if votes is None:
            return f"fewer than {settings.agree} of {settings.of} frames agree"
        lines = votes.agreeing()
        confidence = _mean([each.told_confidence for each in lines])
        if confidence < settings.min_confidence:
            return (
                f"a digit is certain to {confidence:.2f}, less than stabilize.min_confidence, "
                f"{settings.min_confidence:g}"
            )
        least_s = self._least_s(lines[-1].text)
        return f"stable for {time_s - votes.since_s:.1f} s, less than {least_s:g}"

    def _stands(self, line: Line, time_s: float, published: str | None = None) -> bool:
        """Say whether a line reads the same at one place for so long that movement is none.

        A part of what was published there may be what a hand leaves free.
        """
        if published and line.text != published and line.text in published:
            return False
        least_s = self.settings.moving_stable_s
        return self._tracks.steady_s(line, time_s) >= max(least_s, 1e-9)

    def _least_s(self, text: str) -> float:
        """Return for how long a line must be stable."""
        ones_s = self.settings.ones_stable_s if only_ones(text) else 0
        return max(ones_s, self.settings.min_stable_s)

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
            frames, votes = (Votes(deque(maxlen=self.settings.of)) for _ in range(2))
            place = Place(line.box, frames, votes, time_s)
            self._places.append(place)
        pairs[id(place)] = line
        place.box, place.last_seen_s = line.box, time_s
        self._look(place, line, time_s)

    def _look(self, place: Place, line: Line | None, time_s: float) -> None:
        """Note what stands there; see what enough of the last frames agree on, and since when."""
        seen = Seen(line, time_s)
        place.looked_s = time_s
        place.frames.add(seen, self.settings.agree)
        if line is None or not place.votes.leaves_open(line):
            place.votes.add(seen, self.settings.agree)

    def _due(self, place: Place, time_s: float) -> Votes | None:
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
        return votes if time_s - votes.since_s >= self._least_s(text) else None

    def _publish(self, place: Place, votes: Votes, time_s: float) -> StableReading:
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


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _overlap(a: Box, b: Box) -> float:
    """Return which part of the smaller box the other one covers, 0 to 1."""
    return a.intersection(b) / min(a.area, b.area)
