"""Marks to digits: what each mark is, by both networks and by what stands beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .bundle import DIGIT_CLASSES, REJECT_CLASS, SEVERAL_CLASS
from .classify import Classifier
from .crop import model_images
from .lattice import Cluster, Group, best_path, build_groups, find_clusters
from .looks import LEAST, classify_marks, pooled
from .segment import Candidate, Marks, group_words
from .strings import OPINIONS, StringReader
from .words import Word, find_words, place_digits

NEVER_WIDE, ALWAYS_WIDE = 0.45, 1.5
"""Width over height of marks that are never and always parted."""
MIN_SEVERAL = 0.02
"""Marks between them are parted if they are several digits with this probability."""
CERTAIN = 0.9
"""Probability of a digit from which a mark is not joined with another."""
NUMBER_GAP, LETTER_GAP = 2.0, 0.8
"""Widest spaces in a number and in a word, in heights."""
AMONG_DIGITS, AMONG_OTHERS = 0.2, 0.02
"""What the odds of no digit among digits, and of a digit among others, are multiplied by."""
AMONG_PIECES = 2.0
"""What the odds of no digit are multiplied by for what was parted or joined: the network is not
taught what halves of digits are."""
AMONG_STROKES = 100.0
"""By how much more, at most, in the parts of a mark that is more likely no digit than several: a
letter's strokes resemble digits."""
LIKE_DIGITS = 0.3
"""Probability, on average over a word's marks, that each is one or several digits, from which the
word is read as a string."""
DOUBTFUL = 0.05, 0.995
"""Marks that are a digit with a probability between them are shown to the reader of strings too;
where other digits are certain, those below CERTAIN."""


Images = TypeVar("Images")
Answers = TypeVar("Answers")
Weighed = tuple[list[Candidate], NDArray[np.float32]]
"""Marks, and (N, classes) their probabilities."""


@dataclass(frozen=True)
class Told:
    """What marks are, digits and others, parted and joined."""

    candidates: list[Candidate]
    digits: NDArray[np.float32]
    """(N, 10) probabilities of the digits."""
    likeliest: NDArray[np.float32]
    """(N,) probability of the likeliest class, a digit or not."""
    among_digits: NDArray[np.bool_]
    """(N,) whether each stands in a word of digits."""
    seconds: float
    """Time in the networks."""


class MarkReader:
    """Tells what marks are. Not thread-safe, as the networks are not.

    Args:
        classifier: Tells what single marks are.
        classes: What it tells apart.
        strings: Reads words whose digits touch, if there is one.
    """

    def __init__(
        self, classifier: Classifier, classes: Sequence[str], strings: StringReader | None
    ) -> None:
        self.classifier, self.strings, self._classes = classifier, strings, len(classes)
        self._digits: list[int] = classifier.digits.tolist()
        self._others = [i for i, n in enumerate(classes) if n not in DIGIT_CLASSES]
        self._none = [i for i, n in enumerate(classes) if n == REJECT_CLASS]
        self._several = [i for i, n in enumerate(classes) if n == SEVERAL_CLASS]

    def read(self, marks: Marks) -> Told:
        """Classify marks in one batch, then words, and what may be parted or joined."""
        self._seconds = 0.0
        probabilities = self._classified(marks.digits)
        clusters = self._clusters(marks, probabilities)
        words = self._words(marks, clusters, probabilities)
        in_words = {i for word in words for i in word.members}
        rest = [each for each in clusters if in_words.isdisjoint(each.digits)]
        groups = build_groups(marks, rest)
        grouped = in_words.union(*(group.members for group in groups))
        kept = [i for i in range(len(marks.digits)) if i not in grouped]
        single = [marks.digits[i] for i in kept]
        parts = [(single, self._second_opinion(single, probabilities[kept]))]
        if self.strings and words:
            parts.append(self._read_words(self.strings, words))
        if groups:
            parts.append(self._best_of(groups, probabilities))
        candidates = [candidate for part, _ in parts for candidate in part]
        probabilities, among_digits = self._in_context(
            candidates, np.concatenate([each for _, each in parts])
        )
        return Told(
            candidates,
            probabilities[:, self._digits],
            probabilities.max(axis=1, initial=0),
            among_digits,
            self._seconds,
        )

    def _timed(self, network: Callable[[Images], Answers], images: Images) -> Answers:
        start = perf_counter()
        answer = network(images)
        self._seconds += perf_counter() - start
        return answer

    def _classified(self, marks: Sequence[Candidate]) -> NDArray[np.float32]:
        """Return (N, classes) probabilities of whole marks, each alone."""
        contrasts = [mark.contrast for mark in marks]
        return self._timed(partial(classify_marks, self.classifier), contrasts)

    def _words(
        self, marks: Marks, clusters: list[Cluster], probabilities: NDArray[np.float32]
    ) -> list[Word]:
        """Return the words that hold clusters and whose marks are, for the most part, digits."""
        if self.strings is None or not clusters:
            return []
        written = probabilities[:, self._digits + self._several].sum(axis=1)
        words = find_words(marks, [each.digits for each in clusters])
        return [word for word in words if written[word.members].mean() >= LIKE_DIGITS]

    def _clusters(self, marks: Marks, probabilities: NDArray[np.float32]) -> list[Cluster]:
        """Find what may be several digits, and what may be parts of one."""
        certain = self.classifier.likeliest_digit(probabilities)
        several = probabilities[:, self._several].sum(axis=1)
        aspects = [mark.box.width / mark.box.height for mark in marks.digits]
        wide = [
            aspect > ALWAYS_WIDE or (aspect > NEVER_WIDE and likely >= MIN_SEVERAL)
            for aspect, likely in zip(aspects, several.tolist(), strict=True)
        ]
        doubtful = (certain < CERTAIN).tolist()
        if not marks.bits and not any(wide) and not any(doubtful):
            return []
        return find_clusters(marks, wide.__getitem__, doubtful.__getitem__)

    def _second_opinion(
        self, candidates: list[Candidate], probabilities: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Show marks in doubt to the reader of strings too, and go by both networks alike."""
        digit = self.classifier.likeliest_digit(probabilities)
        low, high = DOUBTFUL
        if (digit >= CERTAIN).sum() > 1:
            high = min(high, CERTAIN)
        doubtful = np.flatnonzero((digit > low) & (digit < high))
        if self.strings is None or not len(doubtful):
            return probabilities
        contrasts = [candidates[i].contrast for i in doubtful]
        opinions = self._timed(self.strings.opinions, contrasts)
        probabilities[doubtful] = pooled([probabilities[doubtful], self._as_classes(opinions)])
        return probabilities

    def _read_words(self, strings: StringReader, words: list[Word]) -> Weighed:
        """Return the digits of words, with their places and the classifier's classes.

        A digit that is a word's only one is judged by both networks alike.
        """
        candidates: list[Candidate] = []
        rows: list[tuple[float, ...]] = []
        alone: list[int] = []
        read = self._timed(strings.read, [word.contrast for word in words])
        for word, digits in zip(words, read, strict=True):
            if len(digits) == 1:
                alone.append(len(rows))
            candidates += place_digits(word, [each.place for each in digits])
            rows += [each.probabilities for each in digits]
        told = self._as_classes(np.array(rows, np.float32).reshape(-1, OPINIONS))
        if alone:
            told[alone] = pooled([self._classified([candidates[i] for i in alone]), told[alone]])
        return candidates, told

    def _as_classes(self, opinions: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return opinions of the reader of strings, (N, 12), as the classifier's classes."""
        probabilities = np.zeros((len(opinions), self._classes), np.float32)
        probabilities[:, self._digits] = opinions[:, 1:-1]
        probabilities[:, self._none] = opinions[:, :1]
        probabilities[:, self._several] = opinions[:, -1:]
        return probabilities

    def _best_of(self, groups: list[Group], whole: NDArray[np.float32]) -> Weighed:
        """Return the runs of all groups that are on their group's best path.

        Args:
            groups: Of marks.
            whole: (N, classes) probabilities of the marks, none parted or joined.
        """
        runs = [each.candidate for group in groups for each in group.hypotheses]
        images = model_images([run.contrast for run in runs])
        probabilities = self._timed(self.classifier.probabilities, images)
        digit = self.classifier.likeliest_digit(probabilities)
        scores = np.log(np.maximum(digit, LEAST)).tolist()
        chosen: list[int] = []
        weights: list[float] = []
        start = 0
        for group in groups:
            end = start + len(group.hypotheses)
            path = [start + i for i in best_path(group, scores[start:end])]
            chosen += path
            weights += [self._weight_of_none(whole[list(group.members)])] * len(path)
            start = end
        probabilities = probabilities[chosen]
        probabilities[:, self._others] *= np.array(weights, np.float32)[:, None]
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        return [runs[i] for i in chosen], probabilities

    def _weight_of_none(self, whole: NDArray[np.float32]) -> float:
        """Return what the odds of no digit are multiplied by in a group's parts.

        Args:
            whole: (marks, classes) probabilities of the group's marks.
        """
        if len(whole) > 1:
            return AMONG_PIECES
        none, several = (whole[0, each].sum() for each in (self._none, self._several))
        return AMONG_PIECES * float(np.clip(none / max(several, LEAST), 1, AMONG_STROKES))

    def _in_context(
        self, candidates: list[Candidate], probabilities: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Weigh what stands in one word together.

        Among digits a mark is more likely a digit; among marks that are none it is a letter.

        Returns:
            The probabilities, and whether each mark stands among digits.
        """
        among_digits = np.zeros(len(candidates), bool)
        digit = self.classifier.likeliest_digit(probabilities)
        certain, other = digit >= CERTAIN, digit < 1 - CERTAIN
        if certain.all():
            return probabilities, among_digits
        for number in group_words(candidates, NUMBER_GAP) if certain.sum() > 1 else ():
            if certain[number].sum() >= 2 * max(other[number].sum(), 1):
                probabilities[np.ix_(number, self._others)] *= AMONG_DIGITS
                among_digits[number] = True
        for word in group_words(candidates, LETTER_GAP) if other.sum() > 1 else ():
            if other[word].sum() >= 2 * max(certain[word].sum(), 1):
                probabilities[np.ix_(word, self._digits)] *= AMONG_OTHERS
        return probabilities / probabilities.sum(axis=1, keepdims=True), among_digits
