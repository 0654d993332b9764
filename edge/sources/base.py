"""What all sources share: being a context manager, and the errors that they have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from ..address import without_secrets
from ..errors import SourceError
from ..settings import CameraSettings


class SourceBase(ABC):
    """A source that is opened and closed by its block."""

    live = False
    exclusive = False

    def __init__(self, settings: CameraSettings, name: str) -> None:
        self._settings = settings
        kind, colon, rest = name.partition(":")
        self._name = f"{kind}{colon}{without_secrets(rest)}"

    @property
    def name(self) -> str:
        """As the user gave it, but for secrets."""
        return self._name

    @abstractmethod
    def open(self) -> None:
        """Get ready to give frames."""

    @abstractmethod
    def close(self) -> None:
        """Give back what it holds."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _closed(self) -> SourceError:
        return SourceError(f"{self._name}: expected an open source, found it closed; open it first")

    def _check_size(self, width: int, height: int) -> None:
        """Raise SourceError if the camera's frames are not of the size that was asked for.

        The region that is read is given in px of that size.
        """
        wanted = self._settings
        if (width, height) != (wanted.width, wanted.height):
            raise SourceError(
                f"{self._name}: expected frames of {wanted.width} x {wanted.height} px, the camera "
                f"gives {width} x {height}; set camera.width and camera.height to a size it has"
            )
