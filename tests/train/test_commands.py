"""What the commands have in common."""

from __future__ import annotations

import pytest

from digitcam.edge.errors import ModelError
from digitcam.train.cli.common import RESUMABLE, run_command
from digitcam.train.errors import DataError


class OtherError(Exception):
    """Of another folder."""


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (DataError("no data"), 1, "no data"),
        (ModelError("no model"), 1, "no model"),
        (OSError("no room"), 1, "no room"),
        (OtherError("no run"), 1, "no run"),
        (KeyError("a"), 1, "unexpected KeyError: 'a'; --debug shows where"),
        (KeyboardInterrupt(), 130, RESUMABLE),
    ],
)
def test_errors_are_one_line(
    capsys: pytest.CaptureFixture[str], error: BaseException, status: int, line: str
) -> None:
    """Whatever is raised is a line and a status, and --debug asks for the error itself."""

    def body() -> int:
        raise error

    assert run_command("digitcam-x", False, body, RESUMABLE, OtherError) == status
    assert capsys.readouterr() == ("", f"digitcam-x: {line}\n")
    if isinstance(error, Exception):
        with pytest.raises(type(error)):
            run_command("digitcam-x", True, body, RESUMABLE, OtherError)
