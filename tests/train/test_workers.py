"""Workers on loopback train as one machine does, and go on when one of them is lost."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from digitcam.train.errors import RunError
from digitcam.train.workers import VARIABLE, Alone, join_team

FLAGS = ("--arch", "phase2-2025", "--epochs", "3", "--batch-size", "20", "--validation", "40")
TOLERANCES = 5e-3, 3e-2
"""How far the losses of two epochs may be from those of one process, as parts of them: sums are
taken in another order, which optimizers amplify from step to step; another seed makes it 15 in a
hundred."""
LIMIT_S = 300
pytestmark = pytest.mark.timeout(900)
Call = Callable[..., Any]


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def start(folder: Path, data: Path, *flags: str, count: int = 2) -> list[subprocess.Popen[str]]:
    """Start workers that train into a folder together."""
    hosts = [f"127.0.0.1:{port}" for port in free_ports(count)]
    command = [sys.executable, "-m", "digitcam.train.cli.train", "--out", str(folder)]
    command += ["--data", str(data), *flags]
    return [
        subprocess.Popen(
            command,
            env={**os.environ, VARIABLE: config(hosts, index)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(count)
    ]


def config(hosts: Sequence[str], index: int) -> str:
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": list(hosts)}, "task": task})


@pytest.fixture
def ended() -> Iterator[Callable[[Sequence[subprocess.Popen[str]]], list[tuple[int, str]]]]:
    """Wait for workers and return their status and what they said; none outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def wait(workers: Sequence[subprocess.Popen[str]]) -> list[tuple[int, str]]:
        started.extend(workers)
        said = [worker.communicate(timeout=LIMIT_S)[1] for worker in workers]
        return [(worker.returncode, text) for worker, text in zip(workers, said, strict=True)]

    yield wait
    for worker in started:
        worker.kill()
        worker.wait()


def losses(folder: Path) -> list[float]:
    history = json.loads((folder / "state.json").read_text())["history"]
    return [row["loss"] for row in history]


@pytest.mark.parametrize(
    ("arch", "more"),
    [
        ("wbsu2023", ()),
        ("flagship", ("--digits", "200", "--page-marks", "0", "--workers", "1")),
    ],
)
def test_two_workers_have_the_losses_of_one(
    keras_call: Call, digits_npz: Path, tmp_path: Path, ended: Call, arch: str, more: Sequence[str]
) -> None:
    """Two processes on loopback learn what one learns, with batch normalization too."""
    flags = ["--arch", arch, "--epochs", "2", "--batch-size", "20", "--validation", "40", *more]
    together, alone = tmp_path / "together", tmp_path / "alone"
    workers = start(together, digits_npz, *flags)
    answer = keras_call("train", *flags, "--out", alone, "--data", digits_npz)
    assert answer.value == 0, answer
    assert [status for status, _ in ended(workers)] == [0, 0]
    for ours, theirs, tolerance in zip(losses(together), losses(alone), TOLERANCES, strict=True):
        assert ours == pytest.approx(theirs, rel=tolerance)
    assert (together / "metrics.json").exists()


def test_a_lost_worker_ends_the_others_and_all_go_on(
    keras_call: Call, digits_npz: Path, tmp_path: Path, ended: Call
) -> None:
    """Killed within an epoch, a worker is missed in one line; started again, all end as if not."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert [status for status, _ in ended(start(whole, digits_npz, *FLAGS))] == [0, 0]
    workers = start(killed, digits_npz, *FLAGS)
    deadline = time.monotonic() + LIMIT_S
    while not (killed / "state.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    workers[1].send_signal(signal.SIGKILL)
    (status, said), _ = ended(workers)
    assert status == 1
    last = said.splitlines()[-1]
    assert last.startswith("digitcam-train: another worker was lost (")
    assert last.endswith("start all again, and they go on after the last whole epoch")
    assert not (killed / "metrics.json").exists()
    assert [status for status, _ in ended(start(killed, digits_npz, *FLAGS))] == [0, 0]
    assert losses(killed) == losses(whole), "to the last bit"
    contents = [keras_call("contents", run / "model.keras").value for run in (whole, killed)]
    assert contents[0] == contents[1]


def test_workers_must_train_the_same(
    tensorflow: None, digits_npz: Path, tmp_path: Path, ended: Call
) -> None:
    """Workers with other settings are refused by all, and nothing is written."""
    hosts = [f"127.0.0.1:{port}" for port in free_ports(2)]
    workers = []
    for index, seed in enumerate(("1", "2")):
        command = [sys.executable, "-m", "digitcam.train.cli.train", *FLAGS, "--seed", seed]
        command += ["--out", str(tmp_path / "run"), "--data", str(digits_npz)]
        environment = {**os.environ, VARIABLE: config(hosts, index)}
        pipe = subprocess.PIPE
        workers.append(
            subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)
        )
    for status, said in ended(workers):
        assert status == 1
        assert "the workers' settings, data or library versions differ" in said.splitlines()[-1]
    assert not (tmp_path / "run").exists()


def test_nobody_waits_for_ever(
    tensorflow: None, digits_npz: Path, tmp_path: Path, ended: Call
) -> None:
    """A worker whose others do not come says whom it waits for, and ends when the time is up."""
    hosts = [f"127.0.0.1:{port}" for port in free_ports(2)]
    program = (
        "import sys; from digitcam.train import workers; from digitcam.train.cli.train import main;"
        "workers.WAIT_S = 2; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, *FLAGS]
    command += ["--out", str(tmp_path / "run"), "--data", str(digits_npz)]
    worker = subprocess.Popen(
        command,
        env={**os.environ, VARIABLE: config(hosts, 0)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    [(status, said)] = ended([worker])
    assert status == 1
    assert f"waiting at most 2 s for {hosts[0]}, {hosts[1]}" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"cluster": {"worker": []}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "worker", "index": 0}}',
    ],
)
def test_who_is_who_must_be_told(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A TF_CONFIG that names no workers, or other kinds of task, is refused with an example."""
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(RunError, match="TF_CONFIG: expected such as"), join_team(32):
        pass


def test_a_batch_is_shared_equally(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that the workers cannot share is refused before any of them starts."""
    monkeypatch.setenv(VARIABLE, config(["a:1", "b:1", "c:1"], 0))
    with pytest.raises(RunError, match="a multiple of the 3 workers, found 32"), join_team(32):
        pass


def test_alone_without_a_word_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TF_CONFIG a training is its own chief."""
    monkeypatch.delenv(VARIABLE, raising=False)
    with join_team(32) as team:
        assert isinstance(team, Alone)
        assert team.chief
