"""The command ``edge-doctor``: checks the machine and says what to do."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from ..doctor import Finding, Machine, examine
from .common import add_common, add_config, config_of, print_all, run_command

COMMAND = "edge-doctor"
EPILOG = """
Each check prints a line: ok, warning or failure, what was found, and indented below it what to
do. With --json it is an object a line with the keys name, level, found and remedy, which is null
where there is nothing to do. The exit status is 0 without a failure, 1 with one, 2 after wrong
usage.
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``edge-doctor``."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="Check the model, the runtime, the camera and the machine.",
        epilog=EPILOG,
    )
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line a check")
    add_common(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``edge-doctor``; 0 no failure, 1 a failure, 2 wrong usage."""
    options = build_parser().parse_args(argv)
    return run_command(COMMAND, options.debug, lambda: _examine(options))


def _examine(options: argparse.Namespace) -> int:
    failed = False
    for finding in examine(config_of(options.config), Machine()):
        print_all(_json(finding) if options.json else finding.as_text())
        failed |= finding.level == "failure"
    return int(failed)


def _json(finding: Finding) -> str:
    return json.dumps(finding.as_dict())
