"""The command ``edge-run``: reads a camera, on and on, as a service does."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..camera import GaveUpError
from ..errors import EdgeError, SinkError, SourceError
from ..service import Service
from ..settings import Settings
from ..settings_file import load_settings
from ..sinks import check_writable
from ..sources import FORMS
from .common import add_common, add_config, complain, config_of, native_lines_hidden

COMMAND = "edge-run"
EXIT_STATUS = (
    ((GaveUpError, SourceError), os.EX_TEMPFAIL),
    ((SinkError,), os.EX_CANTCREAT),
    ((EdgeError,), os.EX_CONFIG),
)
"""What systemd goes by: 75 and 73 may be better at the next start, 78 will not."""
PRIORITIES = {logging.ERROR: "<3>", logging.WARNING: "<4>", logging.INFO: "<6>"}
"""As sd-daemon(3) has them at the start of a line."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``edge-run``."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Read a camera until stopped; publish what is stable."
    )
    add = parser.add_argument
    add_config(parser)
    add("--source", help=f"instead of the settings' own: {FORMS}")
    add("--check-config", action="store_true", help="check the settings and the model, then end")
    add_common(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``edge-run``; 0 ended as asked, 2 wrong usage, or what EXIT_STATUS says."""
    options = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, handlers=[_handler()])
    try:
        settings = settings_of(options.config, options.source)
        with native_lines_hidden(options.debug):
            service = Service(settings, partial(settings_of, options.config, options.source))
        if options.check_config:
            print("the settings are possible, and the model fits")
            return 0
        check_writable(settings.sinks)
        service.run()
    except EdgeError as error:
        if options.debug:
            raise
        complain(COMMAND, error)
        return next(status for kinds, status in EXIT_STATUS if isinstance(error, kinds))
    return 0


def settings_of(config: Path | None, source: str | None) -> Settings:
    """Return the settings of a file, or of the usual one, with another source if one is named.

    Raises:
        SettingsError: The file cannot be read, or a key or value is not allowed.
    """
    file = config_of(config)
    settings = load_settings(file) if file else Settings()
    if source:
        settings = replace(settings, camera=replace(settings.camera, source=source))
    return settings


def _handler() -> logging.Handler:
    """Return what writes log lines to stderr, with priorities where the journal reads them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Priority() if "JOURNAL_STREAM" in os.environ else _Plain())
    return handler


class _Plain(logging.Formatter):
    def __init__(self) -> None:
        super().__init__(f"{COMMAND}: %(levelname)s: %(message)s")


class _Priority(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        level = PRIORITIES.get(record.levelno, PRIORITIES[logging.INFO])
        return "\n".join(level + line for line in super().format(record).splitlines())
