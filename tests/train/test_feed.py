"""An epoch is the same whoever makes it, and its labels are true."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.edge.reading import view
from digitcam.edge.reading.view import IMAGE_SHAPE
from digitcam.train import epochs as epochs_module
from digitcam.train.data import DigitData
from digitcam.train.epochs import Annotation, Arrays, EpochFeed, Job
from digitcam.train.errors import DataError, RunError
from digitcam.train.feed import (
    FeedSettings,
    MarkSource,
    Samples,
    page_samples,
    written_digits,
)
from digitcam.train.paper import REJECT, SEVERAL, PaperData
from digitcam.train.pens.drawn import drawn_hand
from digitcam.train.writers import Writers

SMALL = FeedSettings(digits=90, mnist_digits=50, page_marks=50)
SEED = 5

HELD_FEED = """
import signal
import time
import numpy as np
from digitcam.train.epochs import EpochFeed
from digitcam.train.feed import FeedSettings, MarkSource

def main():
    # A job in the background of a script inherits that interrupts are ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    x = np.zeros((10, 28, 28), np.uint8)
    x[:, 5:23, 13:16] = 255
    settings = FeedSettings(digits=10, page_marks=0)
    with EpochFeed(MarkSource(x, np.ones(10, np.uint8), None, settings), 1, workers=2) as feed:
        feed.epoch(0)
        try:
            print("ready", flush=True)
            time.sleep(600)
        except KeyboardInterrupt:
            print("interrupted", flush=True)

if __name__ == "__main__":
    main()
"""
"""A program with idle workers, to be killed."""


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut epochs into several jobs, as full-sized ones are."""
    monkeypatch.setattr(epochs_module, "CHUNK", 20)


def epochs(
    digits: DigitData, settings: FeedSettings, numbers: list[int], *, workers: int, seed: int = SEED
) -> list[Samples]:
    with EpochFeed(
        MarkSource(digits.x_train, digits.y_train, None, settings), seed, workers
    ) as feed:
        return [feed.epoch(number, last=number == numbers[-1]) for number in numbers]


def equal(a: Samples, b: Samples) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(a, b, strict=True))


@pytest.mark.usefixtures("small_chunks")
def test_workers_do_not_change_an_epoch(digits: DigitData) -> None:
    """One worker from the start and two that begin at the second epoch make the same samples."""
    first, second = epochs(digits, SMALL, [0, 1], workers=1)
    (resumed,) = epochs(digits, SMALL, [1], workers=2)
    assert equal(second, resumed)
    assert not np.array_equal(first[0], second[0])
    for images, labels in (first, second):
        assert images.shape == (140, *IMAGE_SHAPE)
        assert labels.shape == (140,)
        assert images.dtype == labels.dtype == np.uint8


def test_seeds_make_other_epochs(digits: DigitData) -> None:
    """Another seed distorts and orders otherwise."""
    settings = FeedSettings(digits=40, page_marks=0)
    (one,) = epochs(digits, settings, [0], workers=1, seed=1)
    (other,) = epochs(digits, settings, [0], workers=1, seed=2)
    assert not np.array_equal(one[0], other[0])
    assert not np.array_equal(one[1], other[1])


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("amount", [1, 30, 75])
def test_every_digit_comes_before_any_comes_again(digits: DigitData, amount: int) -> None:
    """Of 30 digits, 1 is one of them, 30 are each once, and 75 each twice or three times."""
    settings = FeedSettings(digits=amount, page_marks=0)
    names = np.arange(30, dtype=np.uint8)
    with EpochFeed(MarkSource(digits.x_train[:30], names, None, settings), SEED, 1) as feed:
        labels = feed.epoch(0, last=True)[1]
    assert len(labels) == amount
    counts = np.bincount(labels, minlength=30)
    assert counts.max() - counts.min() <= 1


@pytest.mark.usefixtures("small_chunks")
def test_epochs_come_again_in_another_order(digits: DigitData) -> None:
    """Of two distinct epochs the third is the first, shuffled otherwise."""
    source = MarkSource(digits.x_train, digits.y_train, None, FeedSettings(40, page_marks=0))
    with EpochFeed(source, SEED, 1, distinct=2) as feed:
        first, second, third = (feed.epoch(number, last=number == 2) for number in range(3))
    assert not equal(first, third)
    assert sorted(map(bytes, first[0])) == sorted(map(bytes, third[0]))
    assert sorted(map(bytes, first[0])) != sorted(map(bytes, second[0]))


class Spent(MarkSource):
    """A source that has nothing more to give."""

    def make(self, job: Job) -> Samples:
        """Fail, as nothing should be asked for."""
        raise DataError("asked for more")


def test_kept_epochs_are_not_made_again(digits: DigitData, tmp_path: Path) -> None:
    """A feed takes from the folder what another kept, the same; the rest it has to make."""
    parts = digits.x_train, digits.y_train, None, FeedSettings(40, page_marks=0)
    with EpochFeed(MarkSource(*parts), SEED, 1) as feed:
        plain = feed.epoch(0, last=True)
    with EpochFeed(MarkSource(*parts), SEED, 1, keep=tmp_path / "kept") as feed:
        kept = feed.epoch(0, last=True)
    with EpochFeed(Spent(*parts), SEED, 1, keep=tmp_path / "kept") as feed:
        taken = feed.epoch(0, last=True)
        with pytest.raises(DataError, match="asked for more"):
            feed.epoch(1, last=True)
    assert equal(plain, kept)
    assert equal(plain, taken)
    (file,) = (tmp_path / "kept").iterdir()
    assert file.name == "epoch-0000.npz"
    file.write_bytes(file.read_bytes()[:99])
    with (
        EpochFeed(Spent(*parts), SEED, 1, keep=tmp_path / "kept") as feed,
        pytest.raises(RunError, match=r"epoch-0000\.npz: expected the samples .* delete the file"),
    ):
        feed.epoch(0, last=True)


def test_what_is_said_of_epochs_is_kept_as_they_are(digits: DigitData, tmp_path: Path) -> None:
    """A further column stays beside its samples, is asked for once, and is made in their order."""
    source = MarkSource(digits.x_train, digits.y_train, None, FeedSettings(40, page_marks=0))
    asked = []

    def ink(columns: Arrays) -> NDArray[np.int64]:
        asked.append(len(columns[0]))
        return columns[0].sum(axis=(1, 2), dtype=np.int64)

    def epochs(name: str, keep: Path | None) -> list[Arrays]:
        with EpochFeed(source, SEED, 1, 1, keep, Annotation(name, ink)) as feed:
            return [feed.epoch(number, last=number == 1) for number in range(2)]

    for count, name, keep in ((2, "a", None), (1, "a", tmp_path), (0, "a", tmp_path),
                              (1, "b", tmp_path)):  # fmt: skip
        asked.clear()
        made = epochs(name, keep)
        assert asked == [40] * count
        assert not equal(made[0], made[1])
        for images, labels, column in made:
            assert np.array_equal(column, images.sum(axis=(1, 2), dtype=np.int64))
            assert len(labels) == 40
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["epoch-0000-a.npz", "epoch-0000-b.npz", "epoch-0000.npz"]


def test_other_samples_have_another_digest(
    digits: DigitData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digits, labels, marks, settings, writers and the view count; equal ones, equal digests."""
    x, y, settings = digits.x_train[:20], digits.y_train[:20], FeedSettings(40, page_marks=0)
    paper = PaperData(tuple(x[:5]), y[:5], np.full(5, 50, np.uint8))
    sources = [
        MarkSource(x, y, None, settings),
        MarkSource(x[::-1], y, None, settings),
        MarkSource(x, y[::-1], None, settings),
        MarkSource(x, y, paper, settings),
        MarkSource(x, y, None, FeedSettings(41, page_marks=0)),
        MarkSource(x, y, None, settings, Writers(without=("drawn",))),
    ]
    assert len({source.digest() for source in sources}) == len(sources)
    before = sources[0].digest()
    assert before == MarkSource(x.copy(), y, None, settings).digest()
    monkeypatch.setattr(view, "VERSION", view.VERSION + 1)
    assert sources[0].digest() != before


def test_order_mixes_digits_and_pages(digits: DigitData) -> None:
    """Samples from pages lie scattered among the rest: a batch has of both."""
    x, y = digits.x_train, digits.y_train
    settings = FeedSettings(digits=40, mnist_digits=40, page_marks=40)
    source = MarkSource(x, y, None, settings)
    with EpochFeed(source, SEED, 1) as feed:
        images, _ = feed.epoch(0, last=True)
    found, _ = source.make(Job((SEED, 0, 2, 0), 40, "pages"))
    from_pages = {image.tobytes() for image in found}
    places = [place for place in range(80) if images[place].tobytes() in from_pages]
    assert len(places) == 40
    assert 10 <= sum(place < 40 for place in places) <= 30


def resemblance(images: NDArray[np.uint8], originals: NDArray[np.uint8]) -> NDArray[np.float64]:
    count = len(images)
    flat = images.reshape(count, -1), originals.reshape(len(originals), -1)
    return np.corrcoef(*flat)[:count, count:]


def means(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.stack([images[labels == digit].mean(axis=0) for digit in range(10)])


def test_written_digits_are_what_their_labels_say() -> None:
    """A written digit looks most like the mean of its class, by far more often than by chance."""
    rng, how = np.random.default_rng(0), FeedSettings().augment
    images, labels = written_digits([drawn_hand()], 400, rng, how)
    alike = resemblance(images, means(*written_digits([drawn_hand()], 400, rng, how)))
    assert set(labels.tolist()) == set(range(10))
    # Each digit is drawn in several ways, so that a mean tells less than half of them.
    assert (alike.argmax(axis=1) == labels).mean() >= 0.5


def test_sources_write_by_the_root_of_their_hands() -> None:
    """Of one hand that writes ones and nine that write twos, the one writes a quarter."""

    class Named:
        def __init__(self, source: str, sign: str) -> None:
            self.source, self.characters = source, frozenset(sign)
            self.glyph = drawn_hand().glyph

    hands = [Named("one", "1"), *(Named("nine", "2") for _ in range(9))]
    _, labels = written_digits(hands, 400, np.random.default_rng(1), FeedSettings().augment)  # type: ignore[arg-type]
    assert abs((labels == 1).mean() - 0.25) < 0.07


@pytest.mark.parametrize("count", [0, 1, 37])
def test_pages_give_exactly_as_many(count: int) -> None:
    """As many marks come back as were asked for, reproducibly, none of them empty."""
    how = FeedSettings().paper_augment
    found = [page_samples([drawn_hand()], count, np.random.default_rng(3), how) for _ in range(2)]
    assert equal(*found)
    images, labels = found[0]
    assert images.shape == (count, *IMAGE_SHAPE)
    assert labels.shape == (count,)
    assert images.any(axis=(1, 2)).all()


def test_marks_of_pages_are_shown_as_they_are_and_bent() -> None:
    """The second half of the samples is the first again, bent, with the same labels."""
    how = FeedSettings().paper_augment
    images, labels = page_samples([drawn_hand()], 60, np.random.default_rng(2), how)
    assert np.array_equal(labels[:30], labels[30:])
    own = resemblance(images[:30], images[30:]).diagonal()
    assert not (images[:30] == images[30:]).all(axis=(1, 2)).any()
    assert np.median(own) > 0.6


def test_marks_of_photographs_come_in_their_shares(digits: DigitData) -> None:
    """Half of them are digits, whatever the share in the photographs; none without photographs."""
    labels = np.array([3] * 10 + [REJECT] * 85 + [SEVERAL] * 5, np.uint8)
    paper = PaperData(tuple(digits.x_train[:100]), labels, np.full(100, 50, np.uint8))
    settings = FeedSettings(digits=20, page_marks=0, paper_marks=600)
    with EpochFeed(MarkSource(digits.x_train, digits.y_train, paper, settings), SEED, 1) as feed:
        counts = np.bincount(feed.epoch(0, last=True)[1], minlength=12)
    assert abs(counts[:10].sum() - 320) < 60
    assert abs(counts[REJECT] - 210) < 50
    assert abs(counts[SEVERAL] - 90) < 40
    (plain,) = epochs(digits, settings, [0], workers=1)
    assert len(plain[1]) == 20


def test_mnist_can_be_left_out(digits: DigitData) -> None:
    """Without it as many digits come, and none of its pictures is asked for."""
    nothing = np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8)
    settings = FeedSettings(digits=30, page_marks=0)
    source = MarkSource(*nothing, None, settings, Writers(without=("mnist",)))
    assert source.amounts["mnist"] == 0
    with EpochFeed(source, SEED, 1) as feed:
        assert len(feed.epoch(0, last=True)[1]) == 30


def test_close_ends_the_workers(digits: DigitData) -> None:
    """Closing leaves no process, can be repeated, and a closed feed makes no more epochs."""
    before = set(multiprocessing.active_children())
    with EpochFeed(MarkSource(digits.x_train, digits.y_train, None, SMALL), SEED, 2) as feed:
        feed.epoch(0)
        workers = set(multiprocessing.active_children()) - before
        assert workers
    assert not any(worker.is_alive() for worker in workers)
    feed.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        feed.epoch(1)


def test_killed_worker_is_reported(digits: DigitData) -> None:
    """A worker that the system kills, as for want of memory, ends in one line, not a traceback."""
    before = set(multiprocessing.active_children())
    settings = FeedSettings(digits=10, page_marks=0)
    with EpochFeed(MarkSource(digits.x_train, digits.y_train, None, settings), SEED, 1) as feed:
        feed.epoch(0)
        for worker in set(multiprocessing.active_children()) - before:
            worker.kill()
            worker.join()
        with pytest.raises(RunError, match="was killed, .*fewer --workers"):
            for number in (2, 4):  # The first may have been made already.
                feed.epoch(number)


@pytest.fixture
def feed_program(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A program, in a process group of its own, that holds a feed with idle workers."""
    script = tmp_path / "hold.py"
    script.write_text(HELD_FEED)
    program = subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert program.stdout
        assert program.stdout.readline() == "ready\n"
        yield program
    finally:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.communicate()


def test_workers_do_not_outlive_a_killed_training(feed_program: subprocess.Popen[str]) -> None:
    """After kill -9 of the training its workers leave too: nothing holds its output open."""
    os.kill(feed_program.pid, signal.SIGKILL)
    rest, _ = feed_program.communicate(timeout=20)
    assert rest == ""


def test_ctrl_c_is_left_to_the_training(feed_program: subprocess.Popen[str]) -> None:
    """Workers do not answer an interrupt of the whole group with tracebacks of their own."""
    os.killpg(feed_program.pid, signal.SIGINT)
    rest, errors = feed_program.communicate(timeout=20)
    assert (rest, errors) == ("interrupted\n", "")
    assert feed_program.returncode == 0


def test_workers_need_no_tensorflow() -> None:
    """What the workers import loads neither Keras nor TensorFlow, so they start fast."""
    check = (
        "import sys, digitcam.train.feed; sys.exit(bool({'keras', 'tensorflow'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
