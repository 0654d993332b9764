"""Settings files: TOML over the defaults, or one line that says what is wrong where."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from .errors import SettingsError
from .settings import Settings


def load_settings(path: Path) -> Settings:
    """Read a TOML settings file over the defaults.

    Raises:
        SettingsError: It cannot be read, or a key or value is not allowed.
    """
    import tomllib  # here, because most starts have no file to read

    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(
            f"{path}: expected a settings file, cannot read it: {error.strerror}; check the path"
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
            raise _WrongError(name, f"unknown setting {name}; known are {', '.join(sorted(known))}")
        inner = getattr(section, key)
        if is_dataclass(inner):
            if not isinstance(value, dict):
                name = prefix + key
                raise _WrongError(name, f"{name} must be a table, found {value!r}")
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
        header = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
        setting = re.match(r"\s*([\w.\"'\- ]+?)\s*=", line)
        if header:
            table = _bare(header[1]) + "."
            found = _bare(header[1])
        elif setting:
            found = table + _bare(setting[1])
        else:
            continue
        if found == key:
            return number
        if key.startswith(f"{found}."):
            nearest = number
    return nearest


def _bare(key: str) -> str:
    return re.sub(r"[\"'\s]", "", key)
