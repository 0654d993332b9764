"""Settings files: TOML over the defaults, or one line that says what is wrong where."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from .address import shown
from .errors import SettingsError
from .settings import Settings

MAX_BYTES = 1 << 20
"""Of a settings file; default.toml has 4,000."""


def load_settings(path: Path) -> Settings:
    """Read a TOML settings file over the defaults.

    Raises:
        SettingsError: It cannot be read, or a key or value is not allowed.
    """
    import tomllib  # here, because most starts have no file to read

    try:
        text = _text_of(path)
        values = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(
            f"{path}: expected a settings file, cannot read it: {error.strerror}; check the path"
        ) from error
    except RecursionError as error:
        raise SettingsError(
            f"{path}: expected TOML, found brackets in brackets beyond any use; remove them"
        ) from error
    except ValueError as error:
        raise SettingsError(f"{path}: expected TOML, found {error}; mend that line") from error
    try:
        settings: Settings = _merge(Settings(), values)
        for key, message in settings.problems():
            raise _WrongError(key, f"{key} {message}")
    except _WrongError as wrong:
        line = line_of(text, wrong.key)
        where = f"{path}: line {line}" if line else f"{path}"
        raise SettingsError(f"{where}: {wrong}") from None
    return settings


def _text_of(path: Path) -> str:
    """Read a file, with or without the byte order mark that some editors begin it with."""
    # O_NONBLOCK: a FIFO is refused, not waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, encoding="utf-8-sig") as file:  # noqa: PTH123 - a descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SettingsError(f"{path}: expected a settings file, found a device or pipe")
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise SettingsError(
            f"{path}: expected a settings file of at most {MAX_BYTES >> 20} MiB, found more"
        )
    return text


class _WrongError(Exception):
    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def _merge(section: Any, values: dict[str, Any], prefix: str = "") -> Any:
    known = {f.name: f for f in fields(section)}
    changes = {}
    for key, value in values.items():
        if key not in known:
            name = prefix + key
            known_ones = ", ".join(sorted(known))
            raise _WrongError(name, f"unknown setting {_named(name)}; known are {known_ones}")
        inner = getattr(section, key)
        if is_dataclass(inner):
            if not isinstance(value, dict):
                name = prefix + key
                raise _WrongError(name, f"{name} must be a table, found {shown(value)}")
            value = _merge(inner, value, f"{prefix}{key}.")
        elif isinstance(value, list) and known[key].metadata["rule"].many:
            value = tuple(value)
        changes[key] = value
    return replace(section, **changes)


def line_of(text: str, key: str) -> int | None:
    """Return the line, from 1, on which TOML sets a dotted key; None where it is not found.

    Keys in inline tables are found by the line of their table.
    """
    table = ""
    nearest = None
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("["):
            found = _bare(line.strip("[").partition("]")[0])
            table = found + "."
        elif re.match(r"[\w.\"'\-\s]+=", line):
            found = table + _bare(line.partition("=")[0])
        else:
            continue
        if found == key:
            return number
        if key.startswith(f"{found}."):
            nearest = number
    return nearest


def _named(key: str) -> str:
    """Return a key as messages show it: as it is where it is one that TOML has without quotes."""
    return key if re.fullmatch(r"[\w.-]{1,100}", key) else shown(key)


def _bare(key: str) -> str:
    return re.sub(r"[\"'\s]", "", key)
