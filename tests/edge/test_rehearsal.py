"""Models are tried by a child before their first use, and remembered."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitcam.edge.bundle import load_bundle
from digitcam.edge.classify import Classifier
from digitcam.edge.errors import ModelError
from digitcam.edge.settings import Runtime

Predict = Callable[..., "subprocess.CompletedProcess[str]"]

DEADLY = (1, 2, 4)
"""Seeds of damage that ends a process with tflite-runtime 2.14 in it."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where models that were tried are remembered; empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return tmp_path / "cache" / "digitcam" / "tried-models"


def damage(stem: Path, seed: int) -> None:
    """Change forty bytes of a model, and have the sidecar's hash fit."""
    rng, path = np.random.default_rng(seed), Path(f"{stem}.tflite")
    content = bytearray(path.read_bytes())
    for at in rng.integers(0, len(content), 40):
        content[at] = int(rng.integers(256))
    path.write_bytes(content)
    change(stem, sha256=hashlib.sha256(content).hexdigest())


def change(stem: Path, **values: Any) -> None:
    path = Path(f"{stem}.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize("seed", DEADLY)
def test_a_damaged_model_is_one_line(
    bundle_copy: Path, note: Path, runtime: Runtime, predict: Predict, cache: Path, seed: int
) -> None:
    """A model that ends the process of its runtime, or reads otherwise, is refused with a line."""
    damage(bundle_copy, seed)
    settings = note.with_name("settings.toml")
    settings.write_text(f'runtime = "{runtime}"\n')
    done = predict(note, "--model", bundle_copy, "--config", settings)
    assert done.returncode == 1
    assert done.stderr.startswith(f"edge-predict: {bundle_copy}.tflite: ")
    assert done.stderr.endswith("export it again with digitcam-convert\n")
    assert done.stderr.count("\n") == 1
    assert not cache.exists()


def test_a_model_is_tried_once(bundle_copy: Path, runtime: Runtime, cache: Path) -> None:
    """What was tried is remembered by its content, so that another start is fast."""
    Classifier(load_bundle(bundle_copy), runtime)
    (first,) = cache.iterdir()
    before = first.stat()
    Classifier(load_bundle(bundle_copy), runtime)
    assert list(cache.iterdir()) == [first]
    assert first.stat() == before
    change(bundle_copy, classes=[*"0123456789", "reject", "several"], golden=None)
    Classifier(load_bundle(bundle_copy), runtime)
    assert len(list(cache.iterdir())) == 2


def test_a_service_remembers_in_its_state(
    bundle_copy: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service has no home; systemd names the folder that it may write to."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    Classifier(load_bundle(bundle_copy))
    assert len(list((tmp_path / "state" / "tried-models").iterdir())) == 1
    assert not cache.exists()


def test_without_a_place_to_remember_it_runs(
    bundle_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be written, a model is tried each time."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert Classifier(load_bundle(bundle_copy)).runtime


def test_other_golden_logits_are_refused(bundle_copy: Path, runtime: Runtime, cache: Path) -> None:
    """A model of another training than its sidecar says is refused, whatever its hash."""
    golden = dict(load_bundle(bundle_copy).sidecar["golden"])
    change(bundle_copy, golden={**golden, "logits": golden["logits"][::-1]})
    with pytest.raises(ModelError, match=r"golden logits must come of it on .* and other answers"):
        Classifier(load_bundle(bundle_copy), runtime)
    assert not cache.exists()


def test_shipped_models_are_not_tried(cache: Path) -> None:
    """They come with the code that would try them."""
    for name in ("digits", "digits-tiny"):
        Classifier(load_bundle(Path(name)))
    assert not cache.exists()
