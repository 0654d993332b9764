"""The runtime: reads handwritten digits in images.

>>> from digitcam.edge import Recognizer
>>> Recognizer().read("note.jpg").text  # doctest: +SKIP
'64193796'
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .errors import EdgeError, ImageError, ModelError, RuntimeUnavailableError, SettingsError

if TYPE_CHECKING:
    __version__: str
    from .frame import Box, Digit, Line, Reading
    from .reading.recognize import Recognizer

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

if not TYPE_CHECKING:
    _MODULES = {
        "Box": "frame",
        "Digit": "frame",
        "Line": "frame",
        "Reading": "frame",
        "Recognizer": "reading.recognize",
    }

    def __getattr__(name: str) -> object:
        """Import what needs numpy and OpenCV when it is asked for: some commands need neither."""
        if name == "__version__":
            return import_module("importlib.metadata").version("digitcam")
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)
