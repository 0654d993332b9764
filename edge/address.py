"""Addresses of cameras, shown without what may be a password."""

from __future__ import annotations

import re

HIDDEN = "***"
_HEAD = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]*")
"""What stands before ``://``: a scheme, perhaps behind the name of a source."""
_LONGEST = 200


def is_url(address: str) -> bool:
    """Tell whether FFmpeg takes this for an address rather than for a file's path."""
    return re.match(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]*://", address) is not None


def without_secrets(address: str) -> str:
    """Return an address or a source without what may be a password; paths of files stay.

    Of a URL that is its user, its query, and what stands behind a ``=`` in its path. Where an
    ``@`` follows a ``/``, ``?`` or ``#``, these may belong to a password that was not escaped: then
    nothing is shown but the scheme.

    >>> without_secrets("rtsp://admin:1234@camera:554/stream?token=5678")
    'rtsp://***@camera:554/stream?***'
    >>> without_secrets("http://admin:12#4@camera/stream")
    'http://***'
    """
    head, mark, rest = address.partition("://")
    if not mark:  # a path, or a URL with a slip of the pen
        return HIDDEN if re.search(":.*@", address, re.DOTALL) else address
    head = head if _HEAD.fullmatch(head) else HIDDEN
    user, at, host = rest.rpartition("@")
    if re.search("[/?#]", user):
        return f"{head}://{HIDDEN}"
    place, more = re.match(r"([^?#]*)(\??)", host, re.DOTALL).groups()  # type: ignore[union-attr]
    place = re.sub("=.*", f"={HIDDEN}", place, flags=re.DOTALL)
    return f"{head}://{HIDDEN if at else ''}{at}{place}{more}{HIDDEN if more else ''}"


def is_clear(address: str) -> bool:
    """Tell whether the host of a URL can be told from a password: see ``without_secrets``."""
    return re.search("[/?#].*@", address.partition("://")[2], re.DOTALL) is None


def shown(value: object) -> str:
    """Return a value as messages show it: in one line, of bounded length, without secrets."""
    try:
        text = repr(without_secrets(value) if isinstance(value, str) else value)
    except (ValueError, RecursionError):  # a number of 5,000 digits, a list in a list in a list
        return f"a {type(value).__name__} that is too large to show"
    if not isinstance(value, str) and ("@" in text or "://" in text):
        return f"a {type(value).__name__} with what may be a password"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
