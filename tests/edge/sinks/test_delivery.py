"""`Delivery`: who gets what when sinks fail, how often they are tried, and what is said."""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from digitcam.edge.errors import SinkError
from digitcam.edge.frame import StableReading
from digitcam.edge.sinks.delivery import BATCH, MAX_RETRY_S, Delivery, SinkHealth
from digitcam.edge.sinks.jsonl import JsonLinesSink
from digitcam.edge.sinks.stdout import StdoutSink

Make = Callable[..., StableReading]
Log = pytest.LogCaptureFixture


class Shelf:
    """A sink that keeps what it is given, and fails as it is told to."""

    def __init__(self, name: str, journal: list[str] | None = None) -> None:
        self.name = name
        self.kept: list[int] = []
        self.failure: Exception | None = None
        self.is_open = False
        self.openings = 0
        self._journal = journal if journal is not None else []

    def open(self) -> None:
        """Count openings."""
        if not self.is_open:
            self.openings += 1
        self.is_open = True

    def write(self, readings: Sequence[StableReading]) -> None:
        """Keep them, or raise what is set."""
        assert self.is_open
        if self.failure:
            raise self.failure
        self.kept += [int(reading.id, 16) for reading in readings]
        self._journal += [f"{self.name} {int(reading.id, 16)}" for reading in readings]

    def close(self) -> None:
        """Close."""
        self.is_open = False


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Return the time, s."""
        return self.now_s


def pass_time(delivery: Delivery, clock: Clock, seconds: float) -> int:
    """Step as a thread would, for so long; return how many steps that took."""
    end_s, steps = clock.now_s + seconds, 0
    while clock.now_s <= end_s:
        pause_s = delivery.step()
        steps += 1
        assert steps < 10_000
        if pause_s is None:
            break
        clock.now_s += pause_s
    clock.now_s = end_s
    return steps


def complaints(log: Log) -> list[str]:
    return [record.getMessage() for record in log.records]


def test_every_sink_gets_every_reading_in_order(make: Make) -> None:
    """More readings than fit a batch arrive at every sink, once and in order."""
    sinks = [Shelf("a"), Shelf("b")]
    delivery, clock = Delivery(sinks, 10_000), Clock()
    numbers = list(range(3 * BATCH + 7))
    for number in numbers:
        delivery.put(make(number))
    pass_time(delivery, clock, 1)
    assert [sink.kept for sink in sinks] == [numbers, numbers]
    assert delivery.health() == {name: SinkHealth(None, 0, 0) for name in "ab"}


def test_the_first_sink_is_ahead(make: Make) -> None:
    """At no moment does a later sink hold a reading that the first one lacks."""
    journal: list[str] = []
    first, second = Shelf("a", journal), Shelf("b", journal)
    delivery = Delivery([first, second], 10_000)
    for number in range(2 * BATCH):
        delivery.put(make(number))
        if number % 30 == 0:
            delivery.step()
    pass_time(delivery, Clock(), 1)
    for number in range(2 * BATCH):
        assert journal.index(f"a {number}") < journal.index(f"b {number}")


def test_a_reading_put_while_another_is_written_waits_for_all(make: Make) -> None:
    """What arrives during a step goes to no sink in that step, so the first stays ahead."""
    first, second = Shelf("a"), Shelf("b")
    delivery = Delivery([first, second], 100)
    write = first.write

    def write_and_put(readings: Sequence[StableReading]) -> None:
        write(readings)
        if first.kept == [1]:
            delivery.put(make(2))

    first.write = write_and_put  # type: ignore[method-assign]
    delivery.put(make(1))
    delivery.step()
    assert (first.kept, second.kept) == ([1], [1])
    delivery.step()
    assert (first.kept, second.kept) == ([1, 2], [1, 2])


def test_a_failing_sink_does_not_stop_the_others(make: Make, caplog: Log) -> None:
    """The others go on; what waits for it is delivered in order when it works again."""
    bad, good = Shelf("bad"), Shelf("good")
    clock = Clock()
    delivery = Delivery([bad, good], 1000, clock)
    bad.failure = SinkError("the disk is full; make room")
    for number in range(500):
        delivery.put(make(number))
        pass_time(delivery, clock, 0.01)
    assert good.kept == list(range(500))
    assert not bad.is_open
    assert str(delivery.health()["bad"]) == "the disk is full; make room (500 waiting)"
    assert str(delivery.health()["good"]) == "ok"
    bad.failure = None
    pass_time(delivery, clock, MAX_RETRY_S)
    assert bad.kept == list(range(500))
    assert complaints(caplog) == [
        "sink bad: the disk is full; make room",
        "sink bad: works again; 500 readings waited, 0 before them were lost",
    ]


def test_retries_become_rare(make: Make) -> None:
    """An hour of failure is tried again after 0.5, 1, 2 s and so on, then every 30 s."""
    sink, clock = Shelf("a"), Clock()
    sink.failure = SinkError("gone")
    delivery = Delivery([sink], 100, clock)
    delivery.put(make(1))
    pauses = []
    for _ in range(9):
        pause_s = delivery.step()
        assert pause_s is not None
        pauses.append(pause_s)
        clock.now_s += pause_s
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert sink.openings == 9
    sink.failure = None
    assert delivery.step() is None
    sink.failure = SinkError("gone")
    delivery.put(make(2))
    assert delivery.step() == 0.5


def test_new_readings_do_not_shorten_the_wait(make: Make) -> None:
    """A sink that failed is left alone until its time, however much arrives meanwhile."""
    sink, clock = Shelf("a"), Clock()
    sink.failure = SinkError("gone")
    delivery = Delivery([sink], 100, clock)
    for number in range(50):
        delivery.put(make(number))
        delivery.step()
    assert sink.openings == 1


def test_the_oldest_are_lost(make: Make, caplog: Log) -> None:
    """Of more than may wait the oldest go; that is counted, and said when it begins and ends."""
    sink, clock = Shelf("a"), Clock()
    sink.failure = SinkError("gone")
    delivery = Delivery([sink], 10, clock)
    for number in range(25):
        delivery.put(make(number))
        pass_time(delivery, clock, 60)
    assert delivery.health() == {"a": SinkHealth("gone", 10, 15)}
    assert str(delivery.health()["a"]) == "gone (10 waiting, 15 lost)"
    sink.failure = None
    pass_time(delivery, clock, 60)
    assert sink.kept == list(range(15, 25))
    assert delivery.health() == {"a": SinkHealth(None, 0, 15)}
    assert complaints(caplog) == [
        "sink a: gone",
        "sink a: more than 10 readings wait; the oldest are lost from now on",
        "sink a: works again; 10 readings waited, 15 before them were lost",
    ]


def test_losses_to_a_slow_sink_are_said_too(make: Make, caplog: Log) -> None:
    """A sink that never fails but is too slow loses readings, counted and logged."""
    sink = Shelf("a")
    delivery = Delivery([sink], 10)
    for number in range(12):
        delivery.put(make(number))
    delivery.step()
    assert sink.kept == list(range(2, 12))
    assert complaints(caplog) == [
        "sink a: works again; 10 readings waited, 2 before them were lost"
    ]


def test_each_failure_is_said_once(make: Make, caplog: Log) -> None:
    """Two reasons that alternate for a day are two lines, and again two after it has worked."""
    sink, clock = Shelf("a"), Clock()
    delivery = Delivery([sink], 10, clock)
    for outage in (1, 2):
        for number in range(2000):
            sink.failure = SinkError(f"reason {number % 2}")
            delivery.put(make(number))
            pass_time(delivery, clock, 40)
        sink.failure = None
        pass_time(delivery, clock, 40)
        assert sum("reason" in each for each in complaints(caplog)) == 2 * outage


def test_an_unexpected_error_is_a_failure_like_others(make: Make, caplog: Log) -> None:
    """A bug in a sink is logged with its traceback, and neither ends nor delays the others."""
    bad, good = Shelf("bad"), Shelf("good")
    bad.failure = ZeroDivisionError("oops")
    clock = Clock()
    delivery = Delivery([bad, good], 10, clock)
    delivery.put(make(1))
    pass_time(delivery, clock, 100)
    assert good.kept == [1]
    assert str(delivery.health()["bad"]) == "unexpected ZeroDivisionError: oops (1 waiting)"
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info
    bad.failure = None
    pass_time(delivery, clock, 100)
    assert bad.kept == [1]


def test_a_sink_that_cannot_close(make: Make, caplog: Log) -> None:
    """An error while closing is logged, and the sink is tried again as any other."""
    sink, clock = Shelf("a"), Clock()

    def close() -> None:
        raise OSError("stuck")

    sink.close = close  # type: ignore[method-assign]
    sink.failure = SinkError("gone")
    delivery = Delivery([sink], 10, clock)
    delivery.put(make(1))
    delivery.step()
    sink.failure = None
    pass_time(delivery, clock, 1)
    assert sink.kept == [1]
    assert "sink a: cannot be closed" in complaints(caplog)


def test_failures_show_before_the_first_reading(caplog: Log) -> None:
    """A sink that cannot be opened is known from the first step on."""
    sink = Shelf("a")

    def cannot() -> None:
        raise SinkError("no such disk; plug it in")

    sink.open = cannot  # type: ignore[method-assign]
    delivery = Delivery([sink], 10)
    delivery.step()
    assert str(delivery.health()["a"]) == "no such disk; plug it in"
    assert complaints(caplog) == ["sink a: no such disk; plug it in"]


def test_nothing_to_do(make: Make) -> None:
    """Without sinks, or with nothing waiting, there is nothing to wait for."""
    nowhere, idle = Delivery([], 10), Delivery([Shelf("a")], 10)
    nowhere.put(make(1))
    assert (nowhere.step(), idle.step(), nowhere.health()) == (None, None, {})


def waiting(make: Make, count: int, *shelves: Shelf) -> tuple[Delivery, Clock]:
    """Return a delivery of which the first sink fails, and to which so many were put."""
    clock = Clock()
    delivery = Delivery(shelves, 10_000, clock)
    shelves[0].failure = SinkError("full")
    for number in range(count):
        delivery.put(make(number))
    pass_time(delivery, clock, 1)
    return delivery, clock


def test_what_waits_goes_to_the_successor(make: Make, caplog: Log) -> None:
    """Sinks that are set anew get what the ones of their names could not write, once, in order."""
    count = 2 * BATCH + 7
    old = Shelf("a"), Shelf("b")
    delivery, clock = waiting(make, count, *old)
    new = Shelf("b"), Shelf("a")
    delivery.replace(new, 10_000)
    delivery.put(make(count))
    pass_time(delivery, clock, 1)
    assert new[1].kept == list(range(count + 1))
    assert old[1].kept + new[0].kept == list(range(count + 1))
    assert not old[0].is_open
    assert not old[1].is_open
    assert f"sink a: {count + 1} readings wait for it" in complaints(caplog)
    assert delivery.health() == {name: SinkHealth(None, 0, 0) for name in "ab"}


def test_a_new_sink_takes_over_from_one_that_is_gone(make: Make, caplog: Log) -> None:
    """Another kind of sink in the place of one that fails gets what waited; others get it not."""
    kept = Shelf("b")
    delivery, clock = waiting(make, 5, Shelf("a"), kept)
    new = Shelf("b"), Shelf("c")
    delivery.replace(new, 10_000)
    pass_time(delivery, clock, 1)
    assert (kept.kept, new[0].kept, new[1].kept) == ([0, 1, 2, 3, 4], [], [0, 1, 2, 3, 4])


def test_a_sink_that_is_left_out(make: Make, caplog: Log) -> None:
    """It is said how many readings it owes, and the new bound holds for those that still wait."""
    delivery, clock = waiting(make, 5, Shelf("a"))
    delivery.replace([], 10_000)
    pass_time(delivery, clock, 1)
    assert "sink a: not used any more; 5 readings waited for it" in complaints(caplog)
    delivery, clock = waiting(make, 5, Shelf("a"))
    new = Shelf("a")
    delivery.replace([new], 2)
    pass_time(delivery, clock, 1)
    assert new.kept == [3, 4]
    assert delivery.health()["a"].lost == 3


def test_a_stream_goes_on_where_it_stopped(make: Make) -> None:
    """The line that a full pipe took half of is ended by the successor, none comes twice."""
    reader, writer = os.pipe()
    clock = Clock()
    delivery = Delivery([StdoutSink(writer, 0.01)], 10_000, clock)
    for number in range(1000):
        delivery.put(make(number))
    pass_time(delivery, clock, 1)
    assert delivery.health()["stdout"].failure
    delivery.replace([StdoutSink(writer, 0.01)], 10_000)
    received = b""
    while delivery.health()["stdout"].waiting or delivery.step() is not None:
        received += os.read(reader, 1 << 20)
        pass_time(delivery, clock, 1)
    received += os.read(reader, 1 << 20)
    os.close(reader)
    os.close(writer)
    assert [int(json.loads(line)["id"], 16) for line in received.splitlines()] == list(range(1000))


def test_a_disk_that_takes_less_and_less_is_told_once(
    tmp_path: Path, make: Make, caplog: Log
) -> None:
    """A short write says the same each time, however many bytes it was of."""
    clock = Clock()
    delivery = Delivery([JsonLinesSink(tmp_path / "readings.jsonl", 10**9, 2)], 10_000, clock)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        for number in range(5):  # a file that may not grow beyond so many bytes: the kernel cuts
            resource.setrlimit(resource.RLIMIT_FSIZE, (10 + number, limits[1]))
            delivery.put(make(number))
            pass_time(delivery, clock, 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    (told,) = complaints(caplog)
    assert told.endswith("the disk took only a part of it; make room")
    pass_time(delivery, clock, 100)
    assert delivery.health()["jsonl"] == SinkHealth(None, 0, 0)
