"""A search ends with as many trials as were asked for, whoever is killed, and never tests."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitcam.train.architectures import PRESETS
from digitcam.train.augment import AugmentSettings
from digitcam.train.cli.train import build_parser as train_parser
from digitcam.train.cli.train import recipe_of
from digitcam.train.cli.tune import build_parser, main, trial_recipe
from digitcam.train.data import DigitData, load_digits
from digitcam.train.errors import RunError
from digitcam.train.feed import FeedSettings
from digitcam.train.tuning.space import SETTINGS, own_values, recipe_with, search_space

from .browser import open_page
from .test_explore import little_room

if TYPE_CHECKING:
    from digitcam.train.tuning.search import Search
    from digitcam.train.tuning.study import Study

ARCH = "phase2-2025"
EPOCHS, TRIALS = 8, 4
"""So many epochs that a trial can be killed between two of them on a busy machine."""
FLAGS = ("--arch", ARCH, "--epochs", str(EPOCHS), "--validation", "40", "--trials", str(TRIALS))
DIVERGING = {"learning_rate": 3e38, "batch_size": 32, "rotation_deg": 0.0}
DEADLY = {"learning_rate": 1e-3, "batch_size": 512, "rotation_deg": 0.0}
WAIT_S = 300
"""For what takes seconds on an idle machine."""
pytestmark = pytest.mark.timeout(3 * WAIT_S)


@pytest.fixture(scope="session", autouse=True)
def optuna() -> Any:
    """Skip without Optuna."""
    return pytest.importorskip("optuna", reason="needs Optuna: pip install 'digitcam[train]'")


def command(out: Path, data: Path, *more: str) -> list[str]:
    flags = ("--out", str(out), "--data", str(data), *FLAGS, *more)
    return [sys.executable, "-m", "digitcam.train.cli.tune", *flags]


def start(out: Path, data: Path, *more: str) -> subprocess.Popen[str]:
    """Start a search as on a server: no display, and a plotting library that is set to one.

    With one thread, because sums differ in their last digits with the number of threads.
    """
    environment = {**os.environ, "MPLBACKEND": "tkagg", "TF_NUM_INTRAOP_THREADS": "1"}
    environment.pop("DISPLAY", None)
    return subprocess.Popen(
        command(out, data, *more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )


def wait_for(path: Path, program: subprocess.Popen[str]) -> None:
    until = time.monotonic() + WAIT_S
    while not path.exists():
        time.sleep(0.005)
        if program.poll() is not None or time.monotonic() > until:
            program.kill()
            pytest.fail(f"no {path}: {program.communicate()}")


def open_study(out: Path, storage: str | None = None) -> Study:
    from digitcam.train.tuning.study import Study

    return Study(out, storage)


def workers_of(program: subprocess.Popen[str]) -> list[int]:
    """Return the processes that run trials."""
    children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def running(out: Path) -> int:
    """Return how many trials run."""
    return sum(trial.state.name == "RUNNING" for trial in open_study(out).trials())


def prepare(out: Path, *values: Mapping[str, float]) -> None:
    """Have a search begin with trials; those that are deadly have killed processes already."""
    study = open_study(out).optuna
    for place, each in enumerate(values):
        kills = {"run": f"{place:04d}", "kills": 3} if each is DEADLY else {}
        study.enqueue_trial(dict(each), user_attrs=kills)


def poisoned(data: Path, path: Path) -> Path:
    """Write the digits with a test set that is noise."""
    digits, rng = load_digits(data), np.random.default_rng(0)
    noise = np.uint8(255) * (rng.random(digits.x_test.shape) < 0.1)
    labels = rng.integers(0, 10, len(noise), np.uint8)
    np.savez_compressed(path, **vars(replace(digits, x_test=noise, y_test=labels)))
    return path


def settled(out: Path) -> list[dict[str, Any]]:
    """Return the rows of trials.csv that count, without what depends on the machine's load."""
    with (out / "trials.csv").open(newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    for row in rows:
        del row["seconds"]
    return [row for row in rows if row["state"] != "cut off"]


def finished_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what finished, without what depends on when a trial was taken up again."""
    kept = [
        {key: row[key] for key in row if key not in ("trial", "folder")}
        for row in rows
        if row["state"] == "finished"
    ]
    return sorted(kept, key=str)


class Searched:
    """A search that was interrupted in every way, and one that was not."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.killed, self.whole = folder / "killed", folder / "whole"
        prepare(self.whole, DIVERGING, DEADLY)
        prepare(self.killed, DEADLY, DEADLY)
        self.whole_program = start(self.whole, poisoned(data, folder / "poisoned.npz"))
        self.interrupted = self._interrupt(data)
        self._kill(data)
        self.state = json.loads((self.killed / "trials" / "0002" / "state.json").read_text())
        self.last = self._kill_a_worker(data)
        self.whole_err = self.whole_program.communicate(timeout=WAIT_S)[1]

    def _interrupt(self, data: Path) -> tuple[int, str]:
        """Press Ctrl-C as the first training begins."""
        program = start(self.killed, data)
        wait_for(self.killed / "trials" / "0002" / "lock", program)
        os.killpg(program.pid, signal.SIGINT)
        _, err = program.communicate(timeout=WAIT_S)
        return program.returncode, err

    def _kill(self, data: Path) -> None:
        """Kill the main process, but not its worker, after an epoch."""
        program = start(self.killed, data)
        wait_for(self.killed / "trials" / "0002" / "state.json", program)
        (worker,) = workers_of(program)
        program.kill()
        program.communicate(timeout=WAIT_S)
        until = time.monotonic() + WAIT_S
        while Path(f"/proc/{worker}/cmdline").exists() and time.monotonic() < until:
            time.sleep(0.01)

    def _kill_a_worker(self, data: Path) -> tuple[int, str, str]:
        """Kill one of two workers as soon as both have begun a trial."""
        program = start(self.killed, data, "--workers", "2")
        until = time.monotonic() + WAIT_S
        while running(self.killed) < 2 and program.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(workers_of(program)[0], signal.SIGKILL)
        out, err = program.communicate(timeout=WAIT_S)
        return program.returncode, out, err


@pytest.fixture(scope="session")
def searched(
    tensorflow: None, optuna: Any, digits_npz: Path, tmp_path_factory: pytest.TempPathFactory
) -> Searched:
    """Search with interruptions and without, at the same time."""
    return Searched(tmp_path_factory.mktemp("search"), digits_npz)


def test_interrupted_search_says_so(searched: Searched) -> None:
    """Ctrl-C ends workers too, with one line that says what to do, and no traceback."""
    status, err = searched.interrupted
    assert status == 130, err
    assert err.endswith("digitcam-tune: interrupted; call it again to go on\n")
    assert "Traceback" not in err


def test_killed_worker_does_not_end_the_others(searched: Searched) -> None:
    """The other worker takes up its trial, and the search ends well."""
    status, out, err = searched.last
    assert status == 0, err
    assert "a worker was killed by SIGKILL; its trial is kept" in err
    assert f"{TRIALS} of {TRIALS} trials done" in err
    assert f"report {searched.killed / 'report.html'}" in out
    assert "Traceback" not in err


def test_killed_search_ends_like_an_uninterrupted_one(searched: Searched) -> None:
    """As many trials as asked for, with the same settings and results.

    One of both has noise for a test set: no trial looks at it.
    """
    assert searched.whole_program.returncode == 0, searched.whole_err
    killed, whole = settled(searched.killed), settled(searched.whole)
    assert len(killed) == len(whole) == TRIALS
    assert [row["state"] for row in whole] == ["failed", "failed", "finished", "finished"]
    assert len(finished_rows(whole)) == 2
    assert finished_rows(killed) == finished_rows(whole)


def test_killed_trial_goes_on_from_its_checkpoint(searched: Searched) -> None:
    """What was trained before the kill is not trained again."""
    before = searched.state["history"]
    log = (searched.killed / "trials" / "0002" / "log.txt").read_text()
    assert f"going on after epoch {len(before)} of {EPOCHS}" in log
    with (searched.killed / "trials" / "0002" / "history.csv").open(newline="") as file:
        history = list(csv.DictReader(file))
    assert len(history) == EPOCHS > len(before) >= 1
    for row, kept in zip(history, before, strict=False):
        assert float(row["val_loss"]) == kept["val_loss"]


def test_diverged_trial_is_recorded(searched: Searched) -> None:
    """A loss that is no number fails its trial, with the reason, and the search goes on."""
    row = settled(searched.whole)[0]
    assert float(row["learning_rate"]) == DIVERGING["learning_rate"]
    assert row["reason"].startswith("epoch 1: the loss is nan")
    assert row["validation_loss"] == ""


def test_deadly_trial_is_not_tried_for_ever(searched: Searched) -> None:
    """A trial whose process was killed three times is recorded as failed, and not run."""
    row = settled(searched.whole)[1]
    assert row["reason"].startswith("killed 3 times, perhaps for want of memory")
    assert not (searched.whole / "trials" / "0001" / "recipe.json").exists()


def test_first_trial_has_the_networks_own_settings(searched: Searched) -> None:
    """A search cannot end worse than where it began."""
    row, own = settled(searched.whole)[2], PRESETS[ARCH].recipe
    assert float(row["learning_rate"]) == own.learning_rate
    assert int(row["batch_size"]) == own.batch_size
    assert float(row["rotation_deg"]) == 0


def test_test_set_is_kept_from_trials(searched: Searched, digits: DigitData) -> None:
    """Trials are given no test digits, learn from the others, and measure nothing on a test."""
    for out in (searched.whole, searched.killed):
        folder = out / "trials" / "0002"
        recipe = json.loads((folder / "recipe.json").read_text())
        nothing = DigitData(*[each[:0] for each in vars(digits).values()]).digests()
        assert recipe["data"]["x_test"] == nothing["x_test"]
        assert recipe["data"]["y_test"] == nothing["y_test"]
        assert recipe["data"]["x_train"] == digits.digests()["x_train"]
        assert recipe["validation"] == 40
        assert not (folder / "metrics.json").exists()


def test_finished_trials_leave_no_checkpoints(searched: Searched) -> None:
    """What only going on needs is removed; history, recipe and log stay."""
    for out in (searched.whole, searched.killed):
        names = {path.name for path in (out / "trials" / "0002").iterdir()}
        assert names == {"history.csv", "recipe.json", "log.txt", "lock"}


def test_best_recipe_is_trained_by_its_command(searched: Searched) -> None:
    """best.json holds the whole recipe, and digitcam-train understands its command as that."""
    best = json.loads((searched.whole / "best.json").read_text())
    rows = [row for row in settled(searched.whole) if row["state"] == "finished"]
    lowest = min(rows, key=lambda row: float(row["validation_loss"]))
    assert best["trial"] == int(lowest["trial"])
    assert best["validation_loss"] == float(lowest["validation_loss"])
    name, *flags = shlex.split(best["command"])
    assert name == "digitcam-train"
    recipe = recipe_of(train_parser().parse_args(flags))
    assert json.loads(json.dumps(asdict(recipe))) == best["recipe"]
    assert recipe.epochs == PRESETS[ARCH].recipe.epochs
    assert recipe.learning_rate == float(lowest["learning_rate"])


def test_finished_search_repeats_its_result(
    searched: Searched, digits_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Called again, a search that is done runs no trial and says the same."""
    trials = (searched.killed / "trials.csv").read_bytes()
    assert main(command(searched.killed, digits_npz)[3:]) == 0
    assert capsys.readouterr().out == searched.last[1]
    assert (searched.killed / "trials.csv").read_bytes() == trials


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--epochs", "3"), f"begun with epochs {EPOCHS}, asked for is 3"),
        (("--arch", "teresa2024"), 'begun with architecture "phase2-2025", asked for is "teresa'),
        (("--seed", "2"), "begun with seed 1, asked for is 2"),
        (("--search", "batch_size"), 'begun with search ["learning_rate", "batch_size", "rota'),
    ],
)
def test_other_search_is_refused(
    searched: Searched,
    digits_npz: Path,
    capsys: pytest.CaptureFixture[str],
    flags: tuple[str, ...],
    expected: str,
) -> None:
    """A folder of another search is left alone, and what differs is named."""
    before = (searched.killed / "study.journal").read_bytes()
    assert main([*command(searched.killed, digits_npz)[3:], *flags]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"digitcam-tune: {searched.killed}: this search was {expected}")
    assert line.endswith("; use the same settings, or another --out and --storage")
    assert (searched.killed / "study.journal").read_bytes() == before


HOLDER = """
import sys, time
from pathlib import Path
from optuna.distributions import FloatDistribution
from digitcam.train.tuning.study import Study

study = Study(Path(sys.argv[1]), sys.argv[2])
begun = study.begin(99, {"rate": FloatDistribution(0, 1)}, 1)
if sys.argv[3:]:
    begun.trial.report(1.0, int(sys.argv[3]))
print(begun.trial.params["rate"], flush=True)
time.sleep(600)
"""
"""A program that begins a trial and is killed."""


def space() -> dict[str, Any]:
    from optuna.distributions import FloatDistribution

    return {"rate": FloatDistribution(0, 1)}


@contextmanager
def holder(out: Path, storage: str, *epoch: str) -> Iterator[float]:
    """Have another process run a trial, and kill it."""
    arguments = [sys.executable, "-c", HOLDER, str(out), storage, *epoch]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        yield float(program.stdout.readline())
        program.kill()


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_dead_trial_is_taken_up(tmp_path: Path, kind: str) -> None:
    """A trial of a live process is left to it; that of a killed one is begun again at once.

    It keeps its folder; a journal and a database do it alike.
    """
    out = tmp_path / "study"
    storage = str(tmp_path / "journal") if kind == "journal" else f"sqlite:///{tmp_path}/study.db"
    with holder(out, storage) as rate:
        study = open_study(out, storage)
        with study.begin(99, space(), 1) as other:  # type: ignore[union-attr]
            assert other.trial.params["rate"] != rate
            study.optuna.tell(other.trial, 0.5)
        assert study.begin(2, space(), 1) is None, "one is done and one runs"
    with study.begin(2, space(), 1) as again:  # type: ignore[union-attr]
        assert again.trial.params["rate"] == rate
        assert again.folder.name == "0000"
        assert again.kills == 1
        study.optuna.tell(again.trial, 0.25)
    assert study.begin(2, space(), 1) is None
    assert study.done() == 2


def test_kills_are_counted_while_nothing_is_gained(tmp_path: Path) -> None:
    """A trial that dies in the same epoch again is suspect; one that gets on is not."""
    kills = []
    storage = str(tmp_path / "journal")
    for epoch in ("1", "1", "2"):
        with holder(tmp_path / "study", storage, epoch):
            pass
        study = open_study(tmp_path / "study", storage)
        with study.begin(9, space(), 1) as again:  # type: ignore[union-attr]
            kills.append(again.kills)
            study.cut_off(again.trial.number)
    assert kills == [1, 2, 1]


def test_trials_of_other_machines_are_left_to_them(tmp_path: Path) -> None:
    """With another folder one storage is shared, but not the judgement of who is dead."""
    storage = str(tmp_path / "journal")
    with holder(tmp_path / "there", storage) as rate:
        pass
    here = open_study(tmp_path / "here", storage)
    with here.begin(1, space(), 1) as begun:  # type: ignore[union-attr]
        assert begun.trial.params["rate"] != rate
    with open_study(tmp_path / "there", storage).begin(1, space(), 1) as again:  # type: ignore[union-attr]
        assert again.trial.params["rate"] == rate


def test_full_disk_keeps_the_journal_whole(tmp_path: Path) -> None:
    """A record that finds no room is left out whole, and the next is read like those before."""
    study = open_study(tmp_path)
    study.optuna.set_user_attr("before", 1)
    journal = tmp_path / "study.journal"
    content = journal.read_bytes()
    with little_room(len(content) + 20), pytest.raises(OSError, match="too large"):
        study.optuna.set_user_attr("during", 1)
    assert journal.read_bytes() == content
    study.optuna.set_user_attr("after", 1)
    assert open_study(tmp_path).optuna.user_attrs == {"before": 1, "after": 1}


def test_half_a_record_is_forgotten(tmp_path: Path) -> None:
    """What a power cut left of a record does not spoil the one that follows."""
    open_study(tmp_path).optuna.set_user_attr("before", 1)
    with (tmp_path / "study.journal").open("a") as file:
        file.write('{"op_code":2,"wor')
    open_study(tmp_path).optuna.set_user_attr("after", 1)
    assert open_study(tmp_path).optuna.user_attrs == {"before": 1, "after": 1}


@pytest.mark.parametrize(
    ("storage", "reason"),
    [
        ("{folder}/text", "expected the journal of a search, found something else; give another"),
        ("{folder}", "cannot be used as a storage: Is a directory"),
        ("{folder}/text/journal", "cannot be used as a storage: "),
        ("nosql://secret@host/db", "--storage: the database cannot be used: "),
        ("sqlite:////nowhere/study.db", "--storage: the database cannot be used: "),
        ("://", "--storage: the database cannot be used: "),
    ],
)
def test_unusable_storage_is_one_line(
    tmp_path: Path,
    digits_npz: Path,
    capsys: pytest.CaptureFixture[str],
    storage: str,
    reason: str,
) -> None:
    """A storage that is none is refused with the reason, without a password, and not changed."""
    (tmp_path / "text").write_text("no journal")
    where = storage.format(folder=tmp_path)
    assert main([*command(tmp_path / "out", digits_npz)[3:], "--storage", where]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line
    assert "secret" not in line
    assert (tmp_path / "text").read_text() == "no journal"


@pytest.fixture
def finished(tmp_path: Path, optuna: Any, digits: DigitData) -> tuple[Search, Study]:
    """A search of flagship with every kind of trial, as if it had been."""
    from digitcam.train.tuning.search import Search, settings_of, without_test

    options = build_parser().parse_args(["--out", str(tmp_path / "study"), "--validation", "40"])
    search = Search(options.out, None, trial_recipe(options), (), 12, without_test(digits), None, 1)
    study = search.open()
    study.settle(settings_of(search), own_values(search.recipe, search.space))
    rng = np.random.default_rng(1)
    for number in range(12):
        trial = study.optuna.ask(dict(search.space))
        width = trial.params["width"]
        trial.set_user_attr("size", {"parameters": 1000, "multiplications": int(1e6 * width)})
        _run(study, trial, number, float(rng.uniform(0.03, 0.3)))
    return search, study


def _run(study: Study, trial: Any, number: int, loss: float) -> None:
    from optuna.trial import TrialState

    if number == 3:
        trial.set_user_attr("reason", "epoch 1: the loss is nan <b>")
        study.optuna.tell(trial, state=TrialState.PRUNED)
        return
    epochs = 4 if number in (5, 8) else 10
    for epoch in range(1, epochs + 1):
        trial.report(loss * 10 / epoch, epoch)
    trial.set_user_attr("measured", {"digit_accuracy": 1 - loss / 10, "seconds": 60.0 * epochs})
    if number == 6:
        study.cut_off(trial.number)
    elif epochs == 4:
        study.optuna.tell(trial, state=TrialState.PRUNED)
    else:
        study.optuna.tell(trial, loss)


def test_report_shows_the_search(finished: tuple[Search, Study], tmp_path: Path) -> None:
    """The page opens with no network, with the best trial, four charts and a table of all."""
    from digitcam.train.reports.tune import write_results

    search, study = finished
    best = write_results(search, study)
    assert best
    page = open_page(search.out / "report.html", Path(tmp_path), screenshot=tmp_path / "shot.png")
    assert page.images == 4
    assert page.width <= 1200
    assert f"Trial {best.trial}, validation loss {best.validation_loss:.5f}" in page.text
    assert "8 trials of 10 epochs finished, 2 given up half-way, 1 failed" in page.text
    assert "3 epoch 1: the loss is nan <b>" in page.text
    for name in search.space:
        assert name in page.text
    assert "cut off" not in page.text
    with (search.out / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    states = [row["state"] for row in rows]
    assert [states[number] for number in (0, 3, 5, 6)] == [
        *("finished", "failed", "given up", "cut off"),
    ]
    assert int(rows[best.trial]["multiplications"]) == 1e6 * best.values["width"]


def test_best_recipe_holds_the_augmentation(finished: tuple[Search, Study]) -> None:
    """What no flag of digitcam-train says goes into best.json, and the command names the file."""
    from digitcam.train.reports.tune import write_results

    search, study = finished
    best = write_results(search, study)
    assert best
    content = json.loads((search.out / "best.json").read_text())
    own = PRESETS["flagship"].recipe
    expected = recipe_with(own, best.values)
    assert content["recipe"] == json.loads(json.dumps(asdict(expected)))
    assert expected.feed != own.feed
    assert expected.epochs == own.epochs
    words = ["digitcam-train", "--recipe", str(search.out / "best.json")]
    assert content["command"] == shlex.join([*words, "--out", str(search.out / "best")])


def test_results_without_a_trial(tmp_path: Path, digits: DigitData) -> None:
    """At the beginning there is a page, and no best recipe."""
    from digitcam.train.reports.tune import write_results
    from digitcam.train.tuning.search import Search, without_test

    options = build_parser().parse_args(["--out", str(tmp_path), "--arch", ARCH])
    recipe = trial_recipe(options)
    search = Search(tmp_path, None, recipe, (), 1, without_test(digits), None, 1)
    assert write_results(search, search.open()) is None
    assert not (tmp_path / "best.json").exists()
    assert (tmp_path / "report.html").exists()


def test_full_disk_keeps_the_results(finished: tuple[Search, Study]) -> None:
    """With no room for the page one line says so, and the page before is whole."""
    from digitcam.train.reports.tune import write_results

    search, study = finished
    page = search.out / "report.html"
    page.write_text("before")
    with little_room(50_000), pytest.raises(RunError, match="make room and call it again"):
        write_results(search, study)
    assert page.read_text() == "before"


@pytest.mark.parametrize("name", PRESETS)
def test_own_values_change_nothing(name: str) -> None:
    """The network's own settings are within the ranges, and give its own recipe."""
    recipe = PRESETS[name].recipe
    ranges = search_space(recipe)
    own = own_values(recipe, ranges)
    assert recipe_with(recipe, own) == recipe
    for setting, value in own.items():
        assert ranges[setting]._contains(ranges[setting].to_internal_repr(value)), setting
    assert {"learning_rate", "batch_size"} < set(ranges) <= set(SETTINGS)
    assert ("width" in ranges) == ("augmentation" in ranges) == (recipe.feed is not None)


def test_augmentation_is_one_factor() -> None:
    """Bounds of both kinds of marks grow by the factor, as far as they can; the rest stays."""
    recipe = recipe_with(PRESETS["flagship"].recipe, {"augmentation": 2.0, "width": 1.25})
    assert recipe.width == 1.25
    assert recipe.feed
    own = AugmentSettings()
    assert recipe.feed.augment.rotation_deg == 2 * own.rotation_deg
    assert recipe.feed.augment.widen_probability == 0.5, "as many are drawn with a thinner pen"
    assert recipe.feed.augment.plain == own.plain
    assert recipe.feed.paper_augment.shear == 2 * 0.18
    assert recipe.feed.digits == FeedSettings().digits


def test_values_have_three_digits() -> None:
    """A recipe can be told and typed."""
    recipe = recipe_with(PRESETS["teresa2024"].recipe, {"learning_rate": 0.00123456})
    assert recipe.learning_rate == 0.00123


def trial_of(*flags: str) -> Callable[[], Mapping[str, Any]]:
    options = build_parser().parse_args(["--out", "study", *flags])
    return lambda: asdict(trial_recipe(options))


def test_trials_hold_digits_back() -> None:
    """Networks that hold back none are judged by 5000; a trial has ten epochs at most."""
    trial = trial_of("--arch", "wbsu2023")()
    assert (trial["validation"], trial["epochs"], trial["patience"]) == (5000, 10, 10)
    trial = trial_of("--arch", "teresa2024")()
    assert (trial["validation"], trial["epochs"]) == (6000, 5)
    trial = trial_of("--digits", "100", "--page-marks", "0", "--epochs", "2")()
    assert (trial["feed"]["digits"], trial["feed"]["page_marks"]) == (100, 0)
    assert trial["epochs"] == 2


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--arch", ARCH, "--digits", "9"), "--digits goes with digitcam's own networks"),
        (("--arch", ARCH, "--photographs", "x"), "--photographs goes with digitcam's own net"),
        (("--search", "momentum"), "flagship is trained with adamw and can be searched for learn"),
        (("--validation", "240"), "validation must be from 1 to less than the 240 training digits"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    digits_npz: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: tuple[str, ...],
    expected: str,
) -> None:
    """Flags that do not go with the network or the data are refused before there is a folder."""
    out = tmp_path / "study"
    assert main(["--out", str(out), "--data", str(digits_npz), *flags]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line
    assert not out.exists()


def test_unusable_folder_is_one_line(
    digits_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that cannot be made is refused with the reason."""
    (tmp_path / "file").touch()
    assert main(command(tmp_path / "file", digits_npz)[3:]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{tmp_path / 'file'}: cannot be used as a study's folder: " in line


@pytest.mark.parametrize("name", ["../../elsewhere", "/tmp/elsewhere", "", 7, "0001/.."])
def test_folder_elsewhere_is_refused(tmp_path: Path, name: object) -> None:
    """A storage that others write cannot have a search use a folder that is not its own."""
    study = open_study(tmp_path / "search")
    study.optuna.enqueue_trial({}, user_attrs={"run": name})
    with pytest.raises(RunError, match="trial 0: expected the attribute run to name a run"):
        study.begin(1, {}, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["search"]
    assert not list((tmp_path / "search" / "trials").iterdir())
