"""What was measured of each network, kept in a file that a comparison goes on from."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from digitcam.edge.files import write_whole
from digitcam.train.run import read_json

from ..errors import ResultsError

FORMAT = 1
"""Version of the file that this code reads and writes."""


@dataclass(frozen=True)
class Result:
    """One trained network, measured. An accuracy is a part of 1."""

    name: str
    """Of the preset, or of a bundle that was loaded."""
    seed: int
    sha256: str
    """Of the ``.tflite``."""
    settings: Mapping[str, Any]
    """The recipe, data digests and library versions."""
    parameters: int
    multiplications: int
    """Multiply-accumulate operations a digit."""
    bytes: int
    """Size of the ``.tflite``."""
    test_accuracy: float
    """MNIST's test digits in float, as the network was trained to see them."""
    validation_accuracy: float | None
    """Digits held back from training in float, if there were any."""
    device_accuracy: float
    """MNIST's test digits in float, through the device's crop."""
    int8_accuracy: float
    """The same in int8 on tflite-runtime."""
    train_seconds: float | None
    """Unknown of a bundle that was loaded."""
    paper: Mapping[str, float] = field(default_factory=dict)
    """Parts of photographs that were read right, by kind; empty without photographs."""

    @property
    def key(self) -> tuple[str, int]:
        """What tells results apart."""
        return self.name, self.seed


@dataclass(frozen=True)
class Results:
    """All networks of a comparison."""

    networks: tuple[Result, ...] = ()
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    """A digit through tflite-runtime on one core, by name; all measured in one run."""

    def with_result(self, result: Result) -> Results:
        """Return these with a result more, in place of an older one of the same network."""
        others = tuple(each for each in self.networks if each.key != result.key)
        return Results((*others, result), self.milliseconds)

    def find(self, name: str, seed: int, sha256: str) -> Result | None:
        """Return a network's result, unless it is of another bundle."""
        found = [each for each in self.networks if each.key == (name, seed)]
        return found[0] if found and found[0].sha256 == sha256 else None

    def of(self, name: str) -> Sequence[Result]:
        """Return the results of a network, one a seed."""
        return [each for each in self.networks if each.name == name]

    @property
    def names(self) -> Sequence[str]:
        """The networks in the order in which they came."""
        return list(dict.fromkeys(each.name for each in self.networks))


def load_results(path: Path) -> Results:
    """Read results; there are none where there is no file.

    Raises:
        ResultsError: The file holds something else.
        RunError: It cannot be read.
    """
    if not path.exists():
        return Results()
    content = read_json(path)
    if content.get("format") != FORMAT:
        raise ResultsError(
            f"{path}: format must be {FORMAT}, found {content.get('format')!r}; compare into "
            "another --out"
        )
    names = {each.name for each in fields(Result)}
    try:
        networks = [Result(**entry) for entry in content["networks"]]
        return Results(tuple(networks), dict(content["milliseconds"]))
    except (TypeError, LookupError, ValueError) as error:
        raise ResultsError(
            f"{path}: expected networks with {', '.join(sorted(names))}, cannot use it: "
            f"{error!r}; compare into another --out"
        ) from error


def save_results(path: Path, results: Results) -> None:
    """Write results atomically."""
    content = {
        "format": FORMAT,
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "milliseconds": results.milliseconds,
        "networks": [asdict(each) for each in results.networks],
    }
    write_whole(path, (json.dumps(content, indent=1) + "\n").encode())
