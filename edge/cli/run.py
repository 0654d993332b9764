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

from ..errors import EdgeError, SettingsError, SinkError, SourceError
from ..notify import Notifier
from ..settings import Settings
from ..settings_file import load_settings
from ..signals import hold_reload
from .common import add_common, add_config, complain, config_of, native_lines_hidden

COMMAND = "edge-run"
PRIORITIES = {logging.ERROR: "<3>", logging.WARNING: "<4>", logging.INFO: "<6>"}
"""As sd-daemon(3) has them at the start of a line."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``edge-run``."""
    from ..sources import FORMS  # see main

    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Read a camera until stopped; publish what is stable."
    )
    add = parser.add_argument
    add_config(parser)
    add("--source", help=f"instead of the settings' own: {FORMS}")
    add("--check-config", action="store_true", help="check settings, model and files, then end")
    add_common(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``edge-run``; 0 ended as asked, 2 wrong usage, or what status_of says.

    What takes a while to import is imported from here on: a SIGHUP meanwhile would end the process.
    """
    hold_reload()
    options = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, handlers=[_handler()])
    try:
        return _run(options)
    except EdgeError as error:
        if options.debug:
            raise
        complain(COMMAND, error)
        return status_of(error)


def _run(options: argparse.Namespace) -> int:
    from ..service import Service
    from ..sinks import check_writable

    settings = settings_of(options.config, options.source)
    with native_lines_hidden(options.debug):
        service = Service(settings, partial(settings_of, options.config, options.source))
    check_writable(settings.sinks)
    if options.check_config:
        print("the settings are possible, and the model fits")
    else:
        service.run()
    return 0


def status_of(error: EdgeError) -> int:
    """Return what systemd goes by: 75 and 73 may be better at the next start, 78 will not."""
    from ..camera import GaveUpError

    if isinstance(error, GaveUpError | SourceError):
        return os.EX_TEMPFAIL
    return os.EX_CANTCREAT if isinstance(error, SinkError) else os.EX_CONFIG


def settings_of(config: Path | None, source: str | None) -> Settings:
    """Return the settings of a file, or of the usual one, with another source if one is named.

    Raises:
        SettingsError: The file cannot be read, a key or value is not allowed, or systemd would
            take a camera at fault for a service that hangs.
    """
    file = config_of(config)
    settings = load_settings(file) if file else Settings()
    if source:
        settings = replace(settings, camera=replace(settings.camera, source=source))
        settings.check()
    _check_watchdog(settings, Notifier().watchdog_s)
    return settings


def _check_watchdog(settings: Settings, watchdog_s: float) -> None:
    """Leave half of systemd's patience to what closing and opening a camera takes."""
    camera = settings.camera
    silent_s = camera.timeout_s + camera.max_retry_s
    if silent_s > watchdog_s / 2:
        raise SettingsError(
            "settings: camera.timeout_s and camera.max_retry_s must together be at most half of "
            f"systemd's WatchdogSec, {watchdog_s / 2:g}, found {silent_s:g}; lower them, or raise "
            "WatchdogSec with: sudo systemctl edit digitcam"
        )


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
