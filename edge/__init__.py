"""The runtime: reads handwritten digits in images.

>>> from digitcam.edge import Recognizer
>>> Recognizer().read("note.jpg").text  # doctest: +SKIP
'64193796'
"""

from .errors import EdgeError, ImageError, ModelError, RuntimeUnavailableError, SettingsError
from .frame import Box, Digit, Line, Reading
from .recognize import Recognizer

__all__ = [
    "Box",
    "Digit",
    "EdgeError",
    "ImageError",
    "Line",
    "ModelError",
    "Reading",
    "Recognizer",
    "RuntimeUnavailableError",
    "SettingsError",
]
