"""Whether a number can be what it was read as, by what the user knows of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .frame import UNTOLD, is_whole
from .settings import PlausibilitySettings


@dataclass(frozen=True)
class Memory:
    """The numbers that a next one at the same place is compared with."""

    accepted: str | None = None
    """The last one that was plausible."""
    raw: str | None = None
    """The last one whose digits were all told, plausible or not."""

    def after(self, text: str, suspect: str | None) -> Memory:
        """Return the memory after a number was judged; one with ``?`` is no number yet."""
        if not is_whole(text):
            return self
        return replace(self, raw=text, accepted=self.accepted if suspect else text)


def broken_rule(text: str, rules: PlausibilitySettings) -> str | None:
    """Return why a number cannot be, by itself, in one line; None where it can.

    Args:
        text: Its digits, ``?`` for one that cannot be told.
        rules: Pattern, number of digits and range, for numbers that are told as a whole.
    """
    if not is_whole(text):
        return f"{text.count(UNTOLD)} of {len(text)} digits cannot be told: {text}"
    if not rules.min_digits <= len(text) <= rules.max_digits:
        return f"expected {rules.min_digits} to {rules.max_digits} digits, found {len(text)}"
    if rules.pattern and not re.fullmatch(rules.pattern, text):
        return f"expected digits like {rules.pattern}, found {text}"
    if rules.minimum is not None and int(text) < rules.minimum:
        return f"expected at least {rules.minimum:g}, found {text}"
    if rules.maximum is not None and int(text) > rules.maximum:
        return f"expected at most {rules.maximum:g}, found {text}"
    return None


def too_far(text: str, memory: Memory, rules: PlausibilitySettings) -> str | None:
    """Return why a number cannot follow those before it; None where it can.

    It can if it is near the last accepted one or the last one that was read at all. So of two
    readings in a row that are near each other the second is always accepted, whatever was before:
    one wrong reading, or a number that really jumped, locks nothing out.

    Args:
        text: Its digits, all told.
        memory: The numbers before it at this place.
        rules: The largest step.
    """
    if rules.max_step is None or memory.accepted is None:
        return None
    near = (memory.accepted, memory.raw or memory.accepted)
    if any(abs(int(text) - int(other)) <= rules.max_step for other in near):
        return None
    return f"expected at most {rules.max_step:g} from {memory.accepted}, found {text}"
