"""What can go wrong in a conversion; every message says what was expected, found and to be done."""

from __future__ import annotations

from collections.abc import Sequence


class ConvertError(Exception):
    """Base of every error that digitcam.convert raises on purpose."""


class RunFolderError(ConvertError, ValueError):
    """A training run that is missing, damaged, or made by or for another version."""


class SampleError(ConvertError, ValueError):
    """A data set too small or too uneven to calibrate or verify with."""


class GraphError(ConvertError, ValueError):
    """Bytes that are no readable .tflite."""


class ToolError(ConvertError, ImportError):
    """TensorFlow or Keras is missing or not as the converter needs it."""


class DiedError(ConvertError, RuntimeError):
    """A library took its process down."""


class CompareError(ConvertError, RuntimeError):
    """Networks that cannot be compared, or a training that failed."""


class ResultsError(ConvertError, ValueError):
    """A file of results that is damaged or of another version."""


class RefusedError(ConvertError, ValueError):
    """A model that failed checks, each told in one sentence."""

    def __init__(self, what: str, failures: Sequence[str]) -> None:
        self.what = what
        self.failures = tuple(failures)
        super().__init__(what, self.failures)

    def __str__(self) -> str:
        if len(self.failures) == 1:
            return f"{self.what}: {self.failures[0]}"
        return "\n".join([f"{self.what}:", *(f"  - {failure}" for failure in self.failures)])
