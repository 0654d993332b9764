"""What can go wrong at the edge; every message says what was expected, found and to be done."""


class EdgeError(Exception):
    """Base of every error that digitcam.edge raises on purpose; its message is one line."""

    def __str__(self) -> str:
        """Return the message, whatever breaks there are in names that it tells."""
        return " ".join(super().__str__().splitlines())


class ImageError(EdgeError, ValueError):
    """An image that cannot be decoded or is not one of the accepted array forms."""


class ModelError(EdgeError, ValueError):
    """A model bundle that is missing, damaged or does not fit this runtime."""


class RuntimeUnavailableError(EdgeError, ImportError):
    """No TFLite runtime can be loaded, or the one asked for cannot."""


class SettingsError(EdgeError, ValueError):
    """A setting with an unknown name or an impossible value."""


class SourceError(EdgeError, OSError):
    """Frames cannot be had now; opening the source again may help."""


class SourceMissingError(SourceError):
    """There is no such camera, file or address now."""


class SourceBusyError(SourceError):
    """Another process holds the camera."""


class SourceStalledError(SourceError, TimeoutError):
    """No frame came within the time."""


class SourceEndedError(SourceError):
    """The recording is at its end."""


class SinkError(EdgeError, OSError):
    """Readings cannot be written now; trying again may help."""


class ReadingsError(EdgeError, OSError):
    """Readings that were written cannot be read."""
