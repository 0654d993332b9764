"""What every sink promises."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitcam.edge.errors import SinkError
from digitcam.edge.frame import StableReading
from digitcam.edge.settings import SINKS, SinkSettings
from digitcam.edge.sinks import sinks_of

Make = Callable[..., StableReading]


def ids(found: list[dict[str, Any]]) -> list[int]:
    """Return the numbers that the readings were made of."""
    return [int(form["id"], 16) for form in found]


def test_building_opens_nothing(case: Any, tmp_path: Path) -> None:
    """A sink that was only built has written nothing and made no file."""
    case.sink.close()
    assert list((tmp_path / "state").iterdir()) == []


def test_what_is_written_arrives_in_order(case: Any, make: Make) -> None:
    """Batches and single readings arrive once each, in the order in which they were given."""
    case.sink.open()
    case.sink.open()
    case.sink.write([make(3), make(1), make(2)])
    case.sink.write([])
    case.sink.write([make(7)])
    case.sink.close()
    assert ids(case.found()) == [3, 1, 2, 7]


@pytest.mark.parametrize(
    ("text", "suspect"),
    [
        ("0123", "max_step: 3 from 0120"),
        ("0?23", "1 of 4 digits cannot be told: 0?23"),
    ],
)
def test_all_is_told_of_a_reading(case: Any, make: Make, text: str, suspect: str) -> None:
    """Text, accepted value, reason, digits, source and model arrive as they were."""
    reading = make(5, text, value="0120", suspect=suspect)
    case.sink.open()
    case.sink.write([reading])
    case.sink.close()
    (found,) = case.found()
    for name in ("id", "text", "value", "suspect", "source", "model"):
        assert found[name] == getattr(reading, name)
    assert float(found["confidence"]) == reading.confidence
    digits = found["digits"]
    assert (json.loads(digits) if isinstance(digits, str) else digits) == reading.as_dict()[
        "digits"
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"suspect": "two\nlines=\n"},
        {"source": "replay:note-\udcff"},
        {"value": None, "source": "replay:ß\x00☂"},
        {"text": "0123456789" * 60},
        {"source": "video:" + "x" * 300_000},
    ],
    ids=["newline", "undecodable", "odd", "long", "huge"],
)
def test_odd_readings(case: Any, make: Make, changes: dict[str, Any]) -> None:
    """Whatever a reading holds, it arrives as one, and so does the next."""
    case.sink.open()
    case.sink.write([make(1, **changes), make(2)])
    case.sink.close()
    assert ids(case.found()) == [1, 2]


def test_a_closed_sink_takes_nothing(case: Any, make: Make) -> None:
    """Writing before opening or after closing is an error; closing twice or reopening is none."""
    with pytest.raises(SinkError, match="closed; open it"):
        case.sink.write([make(1)])
    case.sink.open()
    case.sink.close()
    case.sink.close()
    with pytest.raises(SinkError, match="closed; open it"):
        case.sink.write([make(1)])
    case.sink.open()
    case.sink.write([make(2)])
    case.sink.close()
    assert ids(case.found()) == [2]


@pytest.mark.parametrize("reopened", [False, True])
def test_a_failure_loses_and_doubles_nothing(case: Any, make: Make, reopened: bool) -> None:
    """A batch given again after a failure, with more behind it, arrives once and in order."""
    first, batch = make(1), [make(n) for n in range(2, 100)]
    case.sink.open()
    case.sink.write([first])
    case.break_it()
    for _ in range(3):
        with pytest.raises(SinkError, match=";"):
            case.sink.open()
            case.sink.write(batch)
        if reopened:
            case.sink.close()
    case.mend_it()
    case.sink.open()
    case.sink.write([*batch, make(100)])
    case.sink.close()
    assert ids(case.found()) == list(range(1, 101))


def test_a_failure_is_one_line(case: Any, make: Make) -> None:
    """The message names the sink or its file and fits a line of a log."""
    case.sink.open()
    case.sink.write([make(n) for n in range(20)])
    case.break_it()
    with pytest.raises(SinkError) as caught:
        case.sink.write([make(n) for n in range(20, 100)])
    case.mend_it()
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(case.names)


def test_sinks_have_the_names_that_settings_know(tmp_path: Path) -> None:
    """Every name in the settings makes the sink of that name, in the order given."""
    names = tuple(reversed(SINKS))
    made = sinks_of(SinkSettings(use=names, directory=str(tmp_path)))
    assert [sink.name for sink in made] == list(names)
    assert list(tmp_path.iterdir()) == []
