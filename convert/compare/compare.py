"""Trains or loads networks, converts and measures them, one after the other, and goes on later."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from digitcam.edge.bundle import load_bundle
from digitcam.edge.files import write_whole
from digitcam.train.architectures import PRESETS, find_preset
from digitcam.train.data import DigitData
from digitcam.train.errors import TrainError
from digitcam.train.finished import METRICS
from digitcam.train.reports.page import make_folder
from digitcam.train.run import read_json

from ..bundle import bundle_files, bundle_stem
from ..convert import Say, convert
from ..errors import CompareError, ConvertError
from . import measure
from .results import Result, Results, load_results, save_results

MAX_GAP_POINTS = 5.0
"""How much a compared network may lose in int8: the table shows both."""
RESULTS = "results.json"


@dataclass(frozen=True)
class Plan:
    """What is compared, and where everything goes."""

    out: Path
    names: Sequence[str]
    """Presets to train."""
    seeds: Sequence[int]
    """Each preset is trained with each."""
    bundles: Sequence[Path] = ()
    """Bundles to load beside them."""
    data: Path | None = None
    """As ``--data`` of digitcam-train."""
    photographs: Path | None = None
    epochs: int | None = None
    """Shorter or longer trainings than the presets have."""
    jobs: int = 1
    """Trainings at a time."""

    def run(self, name: str, seed: int) -> Path:
        """Return the folder of a training."""
        return self.out / "runs" / f"{name}-{seed}"

    def bundle(self, name: str, seed: int) -> Path:
        """Return where a training's bundle goes."""
        return self.out / "bundles" / f"{name}-{seed}"


def compare(plan: Plan, load: Callable[[], DigitData], say: Say) -> tuple[Results, list[str]]:
    """Do what is left of a plan.

    Args:
        plan: What is compared.
        load: Loads the digits.
        say: Is told of the progress.

    Returns:
        The results, which are in ``results.json`` too, and a line for each network that failed.

    Raises:
        RunError: A preset is unknown, or the folder cannot be made.
        CompareError: Nothing is to be compared, or all of it failed.
        ResultsError: The results of before are of another version.
    """
    for name in plan.names:
        find_preset(name)
    if not plan.names and not plan.bundles:
        raise CompareError("expected presets to train or bundles to load, found none")
    make_folder(plan.out)
    path = plan.out / RESULTS
    results = load_results(path)
    failures: list[str] = []
    pairs = [(name, seed) for seed in plan.seeds for name in plan.names]
    with ThreadPoolExecutor(plan.jobs) as pool:
        trainings = [pool.submit(_train, plan, name, seed, say) for name, seed in pairs]
        for (name, seed), training in zip(pairs, trainings, strict=True):
            try:
                training.result()
                result = _measured(plan, name, seed, results, load, say)
            except (CompareError, ConvertError, TrainError) as error:
                failures.append(f"{name}, seed {seed}: {error}")
                continue
            results = results.with_result(result)
            save_results(path, results)
    for bundle in plan.bundles:
        results = results.with_result(_loaded(bundle, plan, results, say))
        save_results(path, results)
    if not results.networks:
        raise CompareError("; ".join(failures))
    results = replace(results, milliseconds=_times(plan, results, say))
    save_results(path, results)
    return results, failures


def _train(plan: Plan, name: str, seed: int, say: Say) -> None:
    """Train in a process of its own, unless it is done.

    Raises:
        CompareError: It failed.
    """
    folder = plan.run(name, seed)
    if (folder / METRICS).exists():
        return
    say(f"training {name}, seed {seed}")
    command = [sys.executable, "-m", "digitcam.train.cli.train"]
    command += ["--arch", name, "--seed", str(seed), "--out", str(folder)]
    command += ["--data", str(plan.data)] if plan.data else []
    command += ["--epochs", str(plan.epochs)] if plan.epochs else []
    if plan.photographs and not PRESETS[name].published:
        command += ["--photographs", str(plan.photographs)]
    threads = str(max((os.cpu_count() or 1) // plan.jobs, 1))
    environment = {"TF_NUM_INTRAOP_THREADS": threads, "OMP_NUM_THREADS": threads, **os.environ}
    done = subprocess.run(  # noqa: S603 - this very Python with the plan's own words
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise CompareError(last.removeprefix("digitcam-train: "))


def _measured(
    plan: Plan, name: str, seed: int, results: Results, load: Callable[[], DigitData], say: Say
) -> Result:
    run, stem = plan.run(name, seed), plan.bundle(name, seed)
    if not Path(f"{stem}.json").exists():
        say(f"converting {name}, seed {seed}")
        convert(run, stem, load, say, MAX_GAP_POINTS)
    bundle = load_bundle(stem)
    if known := _known(plan, results, name, seed, bundle.sha256):
        return known
    say(f"measuring {name}, seed {seed}")
    history = read_json(run / "state.json")["history"]
    result = _described(name, bundle.sidecar, bundle.sha256, stem, plan)
    return replace(result, train_seconds=round(sum(row["seconds"] for row in history), 1))


def _loaded(path: Path, plan: Plan, results: Results, say: Say) -> Result:
    """Measure a bundle that was made elsewhere; a copy of it joins the others."""
    bundle = load_bundle(bundle_stem(path))
    source = bundle_stem(Path(bundle.name))
    name, seed = f"{source.name} (bundle)", bundle.sidecar["training"]["seed"]
    stem = plan.bundle(name, seed)
    stem.parent.mkdir(parents=True, exist_ok=True)
    for file, copy in zip(bundle_files(source), bundle_files(stem), strict=True):
        if file.exists():
            write_whole(copy, file.read_bytes())
    if known := _known(plan, results, name, seed, bundle.sha256):
        return known
    say(f"measuring {source}")
    return _described(name, bundle.sidecar, bundle.sha256, stem, plan)


def _known(plan: Plan, results: Results, name: str, seed: int, sha256: str) -> Result | None:
    """Return what is known of a bundle, if that is all that the plan asks for."""
    known = results.find(name, seed, sha256)
    return known if known and (known.paper or not plan.photographs) else None


def _described(name: str, sidecar: Any, sha256: str, path: Path, plan: Plan) -> Result:
    training, figures = sidecar["training"], sidecar["figures"]
    metrics = training["metrics"]
    parameters, cost = measure.size(
        training["architecture"], len(sidecar["classes"]), training.get("width", 1.0)
    )
    return Result(
        name=name,
        seed=training["seed"],
        sha256=sha256,
        settings={key: value for key, value in training.items() if key != "metrics"},
        parameters=parameters,
        multiplications=cost,
        bytes=figures["bytes"],
        test_accuracy=metrics["test_accuracy"],
        validation_accuracy=metrics.get("digit_accuracy"),
        device_accuracy=figures["mnist_test_accuracy_float"],
        int8_accuracy=figures["mnist_test_accuracy_int8"],
        train_seconds=None,
        paper=measure.on_paper(path, plan.photographs) if plan.photographs else {},
    )


def _times(plan: Plan, results: Results, say: Say) -> dict[str, float]:
    """Time all networks in one run; where bundles of before are gone, their times stay."""
    stems = {
        each.name: plan.bundle(*each.key)
        for each in results.networks
        if Path(f"{plan.bundle(*each.key)}.tflite").exists()
    }
    known = results.milliseconds
    if stems.keys() < set(results.names):
        stems = {name: stem for name, stem in stems.items() if name not in known}
    if not stems:
        return dict(known)
    say(f"timing {', '.join(stems)} in turn")
    return {**known, **measure.milliseconds(stems)}
