"""Networks are compared by what was measured, and a comparison goes on where it was interrupted."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from digitcam.convert.compare import charts, measure
from digitcam.convert.compare.cli import main
from digitcam.convert.compare.compare import Plan, _times, compare
from digitcam.convert.compare.results import Result, Results, load_results, save_results
from digitcam.convert.compare.table import HEADER, markdown, points, reproduced, rows
from digitcam.convert.errors import ResultsError
from digitcam.train.architectures import PRESETS, Reported
from digitcam.train.errors import RunError
from digitcam.train.paper import part_of
from digitcam.train.scene import render_rows

SETTINGS: Mapping[str, Any] = {"architecture": "wbsu2023", "seed": 1}
RESULT = Result(
    name="wbsu2023",
    seed=1,
    sha256="a" * 64,
    settings=SETTINGS,
    parameters=159_654,
    multiplications=5_514_344,
    bytes=170_000,
    test_accuracy=0.99,
    validation_accuracy=None,
    device_accuracy=0.98,
    int8_accuracy=0.979,
    train_seconds=120.0,
    paper={"digits": 0.5, "amounts": 0.25},
)


def row(results: Results, name: str) -> dict[str, str]:
    cells = next(cells for cells in rows(results) if cells[0] == name)
    return dict(zip(HEADER, cells, strict=True))


def test_seeds_are_taken_together() -> None:
    """Accuracies are the mean and the range over seeds, the difference that of the mean."""
    results = Results((RESULT, replace(RESULT, seed=2, test_accuracy=0.992)), {"wbsu2023": 0.5})
    shown = row(results, "wbsu2023")
    assert shown["reproduced"] == "99.10% (99.00% to 99.20%)"
    assert shown["points"] == "-0.04", "99.14 % was reported"
    assert shown["paper digits"] == "50.0% (50.0% to 50.0%)"
    assert shown["ms a digit"] == "0.500"
    assert shown["training"] == "2.0 min"
    assert shown["letters left"] == "-", "nothing was measured"


def test_a_report_of_validation_compares_with_validation() -> None:
    """teresa2024's report is of validation digits; that of others is of test digits."""
    result = replace(RESULT, validation_accuracy=0.9877)
    assert reproduced(result, PRESETS["teresa2024"].reported) == 0.9877
    assert reproduced(result, PRESETS["wbsu2023"].reported) == 0.99
    assert reproduced(result, None) == 0.99


@pytest.mark.parametrize(("accuracy", "expected"), [(0.97, -1.0), (0.985, 0.0), (0.995, 0.5)])
def test_a_range_is_met_within_it(accuracy: float, expected: float) -> None:
    """Points are counted from the nearer end of what was reported."""
    assert points(accuracy, Reported(0.98, up_to=0.99)) == pytest.approx(expected)


def test_markdown_has_a_cell_a_column() -> None:
    """The table in Markdown has a header, a rule, and a line a row."""
    assert markdown(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"


def test_the_front_holds_what_nothing_beats() -> None:
    """Dearer networks belong to the front only if they err less than every cheaper one."""
    cost = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 2.0}
    error = {"a": 5.0, "b": 6.0, "c": 1.0, "d": 4.0}
    assert charts.front(cost, error) == ["a", "d", "c"]


def test_pictures_are_drawn_without_photographs() -> None:
    """Without a measure on paper the pictures are of MNIST alone, and still pictures."""
    results = Results((replace(RESULT, paper={}, test_accuracy=1.0),), {"wbsu2023": 0.5})
    for png in (charts.pareto(results), charts.gap(results)):
        image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        assert image.std() > 5


def test_results_come_back_from_the_file(tmp_path: Path) -> None:
    """What is saved is loaded again; a later result takes the place of an older one."""
    path = tmp_path / "results.json"
    assert load_results(path) == Results()
    other = replace(RESULT, sha256="b" * 64)
    results = Results((RESULT,), {"wbsu2023": 0.5}).with_result(other)
    save_results(path, results)
    assert load_results(path) == Results((other,), {"wbsu2023": 0.5})
    assert results.find("wbsu2023", 1, "a" * 64) is None, "the bundle is another one now"
    assert results.find("wbsu2023", 1, "b" * 64) == other


def test_times_of_bundles_that_are_gone_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Results of another machine are added to: its times stay, and only new networks are timed."""
    timed = []

    def milliseconds(bundles: Mapping[str, Path]) -> dict[str, float]:
        timed.append(sorted(bundles))
        return dict.fromkeys(bundles, 2.0)

    monkeypatch.setattr(measure, "milliseconds", milliseconds)
    plan = Plan(tmp_path, ["wbsu2023"], [1])
    other = replace(RESULT, name="amity2021")
    results = Results((RESULT, other), {"wbsu2023": 1.0})
    (tmp_path / "bundles").mkdir()
    (tmp_path / "bundles" / "amity2021-1.tflite").touch()
    found = _times(plan, results, print)
    assert found == {"wbsu2023": 1.0, "amity2021": 2.0}
    (tmp_path / "bundles" / "wbsu2023-1.tflite").touch()
    assert _times(plan, results, print) == {"wbsu2023": 2.0, "amity2021": 2.0}
    assert timed == [["amity2021"], ["amity2021", "wbsu2023"]]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"format": 99, "networks": [], "milliseconds": {}}, "format must be 1, found 99"),
        ({"format": 1, "networks": [{"name": "x"}], "milliseconds": {}}, "expected networks with"),
        ({"format": 1}, "expected networks with"),
    ],
)
def test_results_of_another_version(tmp_path: Path, content: Any, line: str) -> None:
    """A file that is none of this version's is refused with what to do."""
    path = tmp_path / "results.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ResultsError, match=line):
        load_results(path)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["resnet"],
            "unknown preset 'resnet'; known are published, flagship, tiny, teacher, wbsu2023",
        ),
        ([], "expected presets to train, or bundles to --load"),
    ],
)
def test_wrong_usage(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], line: str
) -> None:
    """What is not there to compare is status 2 and a line."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--out", str(tmp_path / "out")])
    assert ended.value.code == 2
    assert line in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    """An --out that is a file is one line with what to do, before anything is loaded."""
    out = tmp_path / "file"
    out.touch()
    line = "file: cannot be used as a folder for the report: File exists; choose another --out"
    with pytest.raises(RunError, match=line):
        compare(Plan(out, ["tiny"], [1]), lambda: pytest.fail("loaded"), pytest.fail)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Two held-back amounts, drawn; and two characters."""
    rng = np.random.default_rng(1)
    folder = tmp_path / "photographs"
    (folder / "amounts").mkdir(parents=True)
    names = [f"{n}.png" for n in range(40) if part_of(f"amounts/{n}.png") == "held-back"][:2]
    for name in names:
        cv2.imwrite(
            str(folder / "amounts" / name), render_rows(["27182"], rng, size=(80, 300)).image
        )
    truth = {names[0]: {"text": "27182"}, names[1]: {"text": "99999"}}
    (folder / "amounts/truth.json").write_text(json.dumps(truth))
    return folder


def test_networks_are_trained_converted_and_measured(
    tools: None, digits_npz: Path, photographs: Path, tmp_path: Path
) -> None:
    """A preset and a loaded bundle end in one table; a second call has nothing left to do."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "digitcam.convert.compare.cli", "wbsu2023", "--load", "digits"]
    command += ["--out", str(out), "--data", str(digits_npz), "--epochs", "6"]
    command += ["--photographs", str(photographs)]
    first = subprocess.run(command, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    results = load_results(out / "results.json")
    assert results.names == ["wbsu2023", "digits (bundle)"]
    trained, loaded = results.networks
    assert trained.settings["epochs"] == 6
    assert trained.settings["optimizer"] == "sgd"
    assert trained.train_seconds is not None
    assert abs(trained.int8_accuracy - trained.device_accuracy) < 0.05
    assert trained.bytes == (out / "bundles" / "wbsu2023-1.tflite").stat().st_size
    assert loaded.paper == {"amounts": 0.5}, "one of the two is read as its truth says"
    assert loaded.multiplications == 2_707_362
    assert set(results.milliseconds) == set(results.names)
    assert "| wbsu2023 | 159,654 |" in first.stdout
    assert (out / "table.md").read_text() == first.stdout
    assert "http" not in (out / "report.html").read_text().replace("http-equiv", "")

    files = {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*")}
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "training" not in again.stderr
    assert "measuring" not in again.stderr
    assert {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*")} == files
    assert load_results(out / "results.json").networks == results.networks


def test_a_failed_training_is_told_and_the_others_go_on(
    tools: None, digits_npz: Path, tmp_path: Path
) -> None:
    """A preset that needs more digits than there are fails alone, in one line with the reason."""
    command = [sys.executable, "-m", "digitcam.convert.compare.cli", "teresa2024"]
    command += ["--load", "digits", "--out", str(tmp_path / "out"), "--data", str(digits_npz)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("digitcam-compare: teresa2024, seed 1: validation must be from 0")
    assert load_results(tmp_path / "out" / "results.json").names == ["digits (bundle)"]
