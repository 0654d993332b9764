"""The networks are the size that is said of them, and trained as they were published."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitcam.train.architectures import PRESETS, build_model, find_preset
from digitcam.train.cli.train import build_parser, list_presets, main, recipe_of
from digitcam.train.errors import RunError
from digitcam.train.run import Recipe, load_recipe

SIZES = {
    "flagship": (87_010, 2_707_362),
    "tiny": (14_774, 536_232),
    "teacher": (1_014_972, 36_187_776),
    "wbsu2023": (159_654, 5_514_344),
    "teresa2024": (93_322, 2_794_240),
    "teresa2024-rnn": (81_674, 2_237_696),
    "jetir2021-odd": (81_066, 5_188_160),
    "jetir2021-even": (85_226, 5_192_256),
    "amity2021": (2_380_938, 13_173_376),
    "phase2-2025": (225_034, 2_631_040),
}
"""Parameters, and multiplications a digit, which the time on the device goes with."""
OWN = ("flagship", "tiny", "teacher")
Call = Callable[..., Any]


def size_of(name: str) -> tuple[int, int]:
    if name.startswith("jetir"):
        return SIZES["jetir2021-odd" if int(name[-1]) % 2 else "jetir2021-even"]
    return SIZES[name]


@pytest.mark.parametrize("name", PRESETS)
def test_size_is_what_is_said(keras_call: Call, name: str) -> None:
    """A model maps images to logits, with exactly the parameters and multiplications noted here."""
    model = keras_call("architecture", name).value
    classes = [1, 1, 12] if name in OWN else [10]
    assert model["input"] == [None, 28, 28, 1]
    assert model["output"] == [None, *classes]
    logits = np.array(model["logits"])
    assert logits.shape == (5, *classes)
    assert logits.min() < 0
    assert (model["parameters"], model["multiplications"]) == size_of(name)


@pytest.mark.parametrize("name", PRESETS)
def test_a_recipe_names_its_network(name: str) -> None:
    """A preset's recipe trains the preset's network, digitcam's own on what the device sees."""
    preset = find_preset(name)
    assert preset.recipe.architecture == name
    assert preset.published == (name not in OWN) == (preset.recipe.feed is None)
    assert bool(preset.reported) == (preset.published and name != "teresa2024-rnn")


def test_columns_get_the_length_one(keras_call: Call) -> None:
    """The cases of jetir2021 normalize as keras.utils.normalize(axis=1) does; black stays black."""
    difference, black = keras_call("unit_columns", 1).value
    assert difference < 1e-6, "allows the rounding of a float32"
    assert black == 0


@pytest.mark.parametrize("case", range(1, 9))
def test_cases_with_a_penalty(keras_call: Call, case: int) -> None:
    """Cases 3, 4, 7 and 8 have L2 0.01 on the first convolution's kernel and bias, 5 to 8 turn."""
    expected = 0.01 * (3 * 3 * 64 + 64) if case in (3, 4, 7, 8) else 0.0
    assert keras_call("penalty", case).value == pytest.approx(expected)
    assert PRESETS[f"jetir2021-{case}"].recipe.rotation_deg == (10 if case > 4 else 0)


def test_width_multiplies_filters(keras_call: Call) -> None:
    """A network of digitcam's own has half the filters at half the width, but all logits."""
    assert keras_call("filters", "flagship", 0.5).value == [8, 16, 16, 16, 24, 24, 24, 12]
    assert keras_call("filters", "tiny", 0.01).value == [1, 1, 1, 1, 1, 1, 1, 12]


def test_a_published_network_has_its_width() -> None:
    """Another width of a published network is refused."""
    with pytest.raises(RunError, match="width of wbsu2023 must be 1, as it was published, found 2"):
        build_model("wbsu2023", 10, 2.0)


def test_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that no network has gets those that there are."""
    with pytest.raises(RunError, match="'resnet' is unknown; known are .*flagship"):
        build_model("resnet", 12)
    with pytest.raises(SystemExit, match="2"):
        main(["--out", "x", "--arch", "resnet"])
    complaint = capsys.readouterr().err
    assert all(name in complaint for name in PRESETS)


def test_flags_change_the_presets_recipe() -> None:
    """What is not given stays as the preset has it; what is given counts."""
    options = build_parser().parse_args(["--arch", "wbsu2023", "--epochs", "3", "--seed", "7"])
    recipe = recipe_of(options)
    assert (recipe.epochs, recipe.seed, recipe.batch_size, recipe.momentum) == (3, 7, 64, 0.9)
    assert recipe_of(build_parser().parse_args([])) == Recipe()


def test_a_flag_that_does_not_go_with_the_network(tmp_path: Any, digits_npz: Any) -> None:
    """A published network has no scenes; the line names the flag."""
    options = build_parser().parse_args(["--arch", "amity2021", "--page-marks", "10"])
    with pytest.raises(RunError, match="amity2021 learns from MNIST as it is; --page-marks goes"):
        recipe_of(options)


@pytest.mark.parametrize("name", ["flagship", "jetir2021-7"])
def test_a_recipe_comes_from_a_file(tmp_path: Path, name: str) -> None:
    """A run's recipe or a search's best one is taken whole; flags still change it."""
    recipe = replace(PRESETS[name].recipe, seed=9, learning_rate=0.5)
    for number, content in enumerate((asdict(recipe), {"recipe": asdict(recipe), "more": 1})):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(content))
        options = build_parser().parse_args(["--recipe", str(path), "--epochs", "3"])
        assert recipe_of(options) == replace(recipe, epochs=3)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"epochs": "many"}, "epochs must be such as 30, found 'many'"),
        ({"seed": True}, "seed must be such as 1, found True"),
        ({"feed": {"digits": 3}}, "expected a recipe with architecture, width"),
        ({"feed": 5}, "expected a recipe with architecture, width"),
    ],
)
def test_a_file_without_a_recipe(tmp_path: Path, change: dict[str, Any], line: str) -> None:
    """What is no recipe is refused with what is expected."""
    path = tmp_path / "best.json"
    path.write_text(json.dumps(asdict(Recipe()) | change))
    with pytest.raises(RunError, match=line):
        load_recipe(path)


def test_presets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """--presets prints a line a preset with its training and what was reported, and no run."""
    assert main(["--presets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == list(list_presets())
    assert [line.split()[0] for line in lines[1:]] == list(PRESETS)
    wbsu = next(line for line in lines if line.startswith("wbsu2023"))
    assert wbsu.split()[1:7] == ["sgd", "0.01", "64", "10", "0", "99.14%"]
