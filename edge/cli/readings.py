"""The command ``edge-readings``: lists, filters and exports what was read."""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from ..sinks.archive import Archive, Query
from ..sinks.record import COLUMNS
from .common import add_common, print_all, probability, run_command

COMMAND = "edge-readings"
FILE = "readings.db"
SERVICE_FILE = Path("/var/lib/digitcam") / FILE
AGE = re.compile(r"(\d+)([smhdw])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
FLAT = {"box": ("left", "top", "width", "height"), "digits": ()}
"""CSV has these columns, or none, instead of those of the database that hold several values."""
CSV_COLUMNS = tuple(flat for name in COLUMNS for flat in FLAT.get(name, (name,)))
PRINTED_AT_ONCE = 500

Form = dict[str, Any]
"""A reading's JSON form."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``edge-readings``."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="List the readings in the service's database, in the order they were made.",
        epilog="T is a date or time such as 2026-01-31 or 2026-01-31T18:30, local if it names no "
        "zone, a date being its midnight; or an age such as 90s, 15m, 2h, 7d or 4w.",
    )
    add = parser.add_argument
    add(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help=f"database (default: {SERVICE_FILE} if there is one, else {FILE} here)",
    )
    add("--since", type=_moment, metavar="T", help="readings from T on (default: all)")
    add("--until", type=_moment, metavar="T", help="readings before T (default: all)")
    add(
        "--text",
        type=_pattern,
        metavar="PATTERN",
        help="readings whose whole text matches this regular expression, such as '12.*'; a digit "
        "that could not be told is ?, in a pattern \\?",
    )
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--suspect", action="store_true", default=None, help="only those that are not plausible"
    )
    either.add_argument(
        "--accepted", dest="suspect", action="store_false", help="only those that are plausible"
    )
    add("--min-confidence", type=probability, metavar="P", help="from this confidence on, 0 to 1")
    add("--last", type=_count, metavar="N", help="the newest N of these (default: all)")
    add(
        "--format",
        choices=tuple(FORMATS),
        default="table",
        help="json is an object a line, as the service writes it (default: table)",
    )
    add_common(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``edge-readings``; 0 ok, 1 they could not be read, 2 wrong usage."""
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.since and options.until and options.since > options.until:
        parser.error("--since: expected a time before --until, found one after it")
    return run_command(COMMAND, options.debug, lambda: _list(options))


def _list(options: argparse.Namespace) -> int:
    query = Query(
        since=options.since,
        until=options.until,
        text=options.text,
        suspect=options.suspect,
        min_confidence=options.min_confidence,
        last=options.last,
    )
    with Archive(options.file or default_file()) as archive:
        lines = FORMATS[options.format](archive.find(query))
        while some := list(islice(lines, PRINTED_AT_ONCE)):
            print_all("\n".join(some))
    return 0


def default_file() -> Path:
    """Return the service's database if there is one, else the one in the directory at hand."""
    try:
        SERVICE_FILE.stat()
    except (FileNotFoundError, NotADirectoryError):
        return Path(FILE)
    except OSError:  # there, but not for this user: opening it says so
        pass
    return SERVICE_FILE


def _table(forms: Iterator[Form]) -> Iterator[str]:
    yield _table_row("TIME", "TEXT", "VALUE", "CONFIDENCE", "AGREED", "SUSPECT")
    for form in forms:
        time = datetime.fromisoformat(form["time"]).astimezone()
        agreed, of = form["agreed"]
        yield _table_row(
            f"{time:%Y-%m-%d %H:%M:%S}",
            form["text"],
            form["value"] or "-",
            f"{form['confidence']:.3f}",
            f"{agreed}/{of}",
            form["suspect"] or "",
        )


def _table_row(time: str, text: str, value: str, confidence: str, agreed: str, why: str) -> str:
    return f"{time:19}  {text:12}  {value:12}  {confidence:10}  {agreed:6}  {why}".rstrip()


def _csv(forms: Iterator[Form]) -> Iterator[str]:
    yield _csv_row(CSV_COLUMNS)
    for form in forms:
        agreed, of = form["agreed"]
        flat = form | {"agreed": agreed, "of": of}
        flat |= zip(FLAT["box"], form["box"], strict=True)
        yield _csv_row([flat[name] for name in CSV_COLUMNS])


def _csv_row(values: Sequence[Any]) -> str:
    row = io.StringIO()
    csv.writer(row, lineterminator="").writerow(values)
    return row.getvalue()


def _json(forms: Iterator[Form]) -> Iterator[str]:
    return map(json.dumps, forms)


FORMATS: dict[str, Callable[[Iterator[Form]], Iterator[str]]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
}


def _moment(text: str) -> datetime:
    try:
        if age := AGE.fullmatch(text):
            ago = timedelta(**{UNITS[age[2]]: int(age[1])})
            return datetime.now().astimezone() - ago
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise argparse.ArgumentTypeError(
            f"expected a time such as 2026-01-31, 2026-01-31T18:30 or 2h, found {text!r}"
        ) from error


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(
            f"expected a regular expression, found {text!r}: {error}"
        ) from error


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text!r}")
    return int(text)
