"""The reader: an image in, a reading out."""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bundle import DEFAULT_BUNDLE, REJECT_CLASS, load_bundle
from .classify import Classifier
from .crop import model_images
from .decode import Decoded, decode_bytes, decode_file, luma_of
from .frame import Box, Digit, Frame, Line, Reading
from .memory import keep_freed_memory
from .preprocess import find_ink, fit_frame
from .segment import Candidate, find_candidates, group_lines
from .settings import Settings


class Recognizer:
    """Reads handwritten digits. Build it once; it holds the model. Not thread-safe.

    Args:
        model: The bundle, with or without suffix; the shipped one by default.
        settings: How to read; see ``default.toml``.

    Raises:
        ModelError: The bundle does not fit.
        RuntimeUnavailableError: No TFLite runtime is usable.
        SettingsError: A setting has an impossible value.
    """

    def __init__(
        self, model: str | os.PathLike[str] = DEFAULT_BUNDLE, settings: Settings | None = None
    ) -> None:
        self.settings = settings or Settings()
        self.settings.check()
        keep_freed_memory()
        self.bundle = load_bundle(Path(model))
        self.classifier = Classifier(self.bundle, self.settings.runtime, self.settings.threads)
        chosen = self.settings.min_confidence
        self._min_confidence = self.bundle.min_confidence if chosen is None else chosen
        self._is_digit = np.array([name != REJECT_CLASS for name in self.bundle.classes])

    def read(self, image: str | os.PathLike[str] | bytes | NDArray[Any]) -> Reading:
        """Read the digits in an image.

        Args:
            image: A path, the bytes of an image file, or an array: (H, W) or (H, W, 3) uint8,
                BGR as OpenCV gives it.

        Raises:
            ImageError: The image cannot be decoded or has another form.
        """
        start = perf_counter()
        frame = self.frame(image)
        decode_ms = (perf_counter() - start) * 1e3
        return self.read_frame(frame, decode_ms)

    def frame(self, image: str | os.PathLike[str] | bytes | NDArray[Any]) -> Frame:
        """Bring an image to the working resolution; arguments and errors are those of read."""
        size = self.settings.preprocess.work_size_px
        if isinstance(image, np.ndarray):
            luma = luma_of(image)
            decoded = Decoded(luma, luma.shape[1], luma.shape[0])
        elif isinstance(image, bytes):
            decoded = decode_bytes(image, "image", work_size_px=size)
        else:
            decoded = decode_file(Path(image), work_size_px=size)
        return fit_frame(decoded.luma, decoded.width, decoded.height, self.settings.preprocess)

    def read_frame(self, frame: Frame, decode_ms: float = 0.0) -> Reading:
        """Read a frame that is at the working resolution already."""
        start = perf_counter()
        ink = find_ink(frame.luma, self.settings.preprocess)
        candidates = find_candidates(ink, self.settings.segment)
        images = model_images([candidate.contrast for candidate in candidates])
        segmented = perf_counter()
        probabilities = self.classifier.probabilities(images)
        classified = perf_counter()
        lines = self._lines(candidates, probabilities, frame)
        end = perf_counter()
        segment_ms = (segmented - start + end - classified) * 1e3
        classify_ms = (classified - segmented) * 1e3
        return Reading(
            lines=lines,
            rejected=len(candidates) - sum(len(line.digits) for line in lines),
            width=frame.width,
            height=frame.height,
            timing_ms={
                "decode": decode_ms,
                "segment": segment_ms,
                "classify": classify_ms,
                "total": decode_ms + segment_ms + classify_ms,
            },
            model=f"sha256:{self.bundle.sha256}",
        )

    def _lines(
        self, candidates: list[Candidate], probabilities: NDArray[np.float32], frame: Frame
    ) -> tuple[Line, ...]:
        """Keep the digits that are certain enough, and put them in reading order."""
        best = probabilities.argmax(axis=1)
        confidence = probabilities.max(axis=1, initial=0)
        certain = (confidence >= self._min_confidence) & self._is_digit[best]
        read = {
            id(candidate): (int(self.bundle.classes[index]), probability)
            for candidate, keep, index, probability in zip(
                candidates, certain.tolist(), best.tolist(), confidence.tolist(), strict=True
            )
            if keep
        }
        kept = [candidate for candidate in candidates if id(candidate) in read]
        return tuple(
            Line(tuple(Digit(*read[id(c)], _box_in_image(c.box, frame)) for c in line))
            for line in group_lines(kept, self.settings.segment)
        )


def _box_in_image(box: Box, frame: Frame) -> Box:
    """Bring a box of the working resolution to the image as given."""
    height, width = frame.luma.shape
    if (width, height) == (frame.width, frame.height):
        return box
    return box.scaled(frame.width / width, frame.height / height, frame.width, frame.height)
