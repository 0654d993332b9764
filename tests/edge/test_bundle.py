"""The shipped bundle, and copies of it damaged in each way."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from digitcam.edge.bundle import DEFAULT_BUNDLE, load_bundle
from digitcam.edge.errors import ModelError
from digitcam.edge.reading.beliefs import FEATURES, NEUTRAL, Beliefs, as_json
from digitcam.edge.reading.view import fingerprint

DIGITS = [str(digit) for digit in range(10)]
WEIGHTS = dict(zip(FEATURES, NEUTRAL[0], strict=True))
SUMS = "beliefs must be sums with weights of bias, mark, slender, ..."


def change(stem: Path, **changes: Any) -> None:
    """Change the sidecar; None takes a key out."""
    path = Path(f"{stem}.json")
    whole = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in whole.items() if value is not None}))


def refusal(stem: Path) -> str:
    """Return the one line that a bundle is refused with; it starts with a file's name."""
    with pytest.raises(ModelError) as caught:
        load_bundle(stem)
    message = str(caught.value)
    assert message.startswith(str(stem))
    assert "\n" not in message
    return message


def test_the_shipped_bundle_loads() -> None:
    """What the package ships fits what the package does."""
    bundle = load_bundle()
    assert set(bundle.classes) >= set(DIGITS)
    assert bundle.sidecar["preprocessing"] == fingerprint()
    assert hashlib.sha256(bundle.model).hexdigest() == bundle.sha256
    assert len(bundle.model) <= 100_000


@pytest.mark.parametrize("suffix", ["", ".tflite", ".json"])
def test_a_bundle_is_named_with_or_without_suffix(suffix: str) -> None:
    """Whichever of its files is named, the bundle is meant."""
    assert load_bundle(Path(f"{DEFAULT_BUNDLE}{suffix}")) == load_bundle()


def test_a_shipped_bundle_has_a_name(
    bundle_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name alone leads to it from anywhere; a bundle of that name in the folder goes first."""
    monkeypatch.chdir(tmp_path)
    assert load_bundle(Path("digits")) == load_bundle()
    for suffix in (".tflite", ".json"):
        Path(f"{bundle_copy}{suffix}").rename(tmp_path / f"digits{suffix}")
    assert load_bundle(Path("digits")).name == "digits.tflite"


def test_a_dot_in_the_name_is_no_suffix(bundle_copy: Path) -> None:
    """A bundle may be called digits-1.5."""
    for suffix in (".tflite", ".json"):
        Path(f"{bundle_copy}{suffix}").rename(f"{bundle_copy}-1.5{suffix}")
    assert load_bundle(Path(f"{bundle_copy}-1.5")).name == f"{bundle_copy}-1.5.tflite"


@pytest.mark.parametrize("more", [[], ["reject"], ["reject", "several"]])
def test_a_reject_class_is_allowed(bundle_copy: Path, more: list[str]) -> None:
    """A model may have a class of what is no digit, and one of several, after the digits."""
    change(bundle_copy, classes=[*DIGITS, *more], golden=None)
    assert load_bundle(bundle_copy).classes == (*DIGITS, *more)


@pytest.mark.parametrize(
    "classes",
    [
        ["9", *DIGITS[1:9], "0", "reject", "several"],
        [*DIGITS, "several", "reject"],
        ["reject", *DIGITS],
        [*DIGITS, "several"],
        [*DIGITS, "blank"],
    ],
)
def test_permuted_classes_are_refused(bundle_copy: Path, classes: list[str]) -> None:
    """A sidecar that says 9 of what the network calls 0 is refused: there is one order."""
    change(bundle_copy, classes=classes)
    assert (
        ": classes must be the digits 0 to 9 in order, perhaps 'reject' and 'several' after "
        in (refusal(bundle_copy))
    )


@pytest.mark.parametrize(
    "key", ["format", "sha256", "preprocessing", "classes", "temperature", "beliefs", "golden"]
)
@pytest.mark.parametrize(
    "value", ["a\nb" * 1000, ["x" * 5000], {"a\n": "b" * 5000}, 10**4000, "\x1b[2J" * 100]
)
def test_a_refusal_is_one_short_line(bundle_copy: Path, key: str, value: object) -> None:
    """Whatever a sidecar holds, what is told of it is one printable line of bounded length."""
    change(bundle_copy, **{key: value})
    message = refusal(bundle_copy)
    assert message.isprintable()
    assert len(message) < 600


def test_beliefs_survive_the_sidecar(bundle_copy: Path) -> None:
    """What weighing writes is what loading reads; without it the mark alone counts."""
    beliefs = Beliefs(
        tuple(tuple(k * (0.25 * i - 0.5) for i in range(len(FEATURES))) for k in (1, -1))
    )
    change(bundle_copy, beliefs=as_json(beliefs))
    assert load_bundle(bundle_copy).beliefs == beliefs
    change(bundle_copy, beliefs=None)
    assert load_bundle(bundle_copy).beliefs == Beliefs(NEUTRAL)


@pytest.mark.parametrize(("thresholds", "untold"), [({}, 0.5), ({"untold": 0.3}, 0.3)])
def test_a_bundle_may_say_from_where_a_mark_is_a_digit(
    bundle_copy: Path, thresholds: dict[str, float], untold: float
) -> None:
    """From a half on, if it says nothing."""
    change(bundle_copy, thresholds={"min_confidence": 0.6, **thresholds})
    bundle = load_bundle(bundle_copy)
    assert (bundle.min_confidence, bundle.untold) == (0.6, untold)


@pytest.mark.parametrize("suffix", [".tflite", ".json"])
def test_a_missing_file(bundle_copy: Path, suffix: str) -> None:
    """Half a bundle is refused, and the half that is missing is named."""
    path = Path(f"{bundle_copy}{suffix}")
    path.unlink()
    assert refusal(bundle_copy).startswith(f"{path}: expected a model bundle (NAME.tflite and ")


@pytest.mark.parametrize("name", [".", "..", "/", "none"])
def test_what_is_no_bundle(name: str) -> None:
    """A directory and a name that leads nowhere are one line."""
    with pytest.raises(ModelError, match="expected a model bundle"):
        load_bundle(Path(name))


def test_the_shipped_ones_are_named() -> None:
    """Who misspells a name is told those that there are."""
    with pytest.raises(ModelError, match="name one that ships: .*digits"):
        load_bundle(Path("digit"))


@pytest.mark.parametrize("cut", [0, 4, 1000, -1])
def test_a_truncated_model(bundle_copy: Path, cut: int) -> None:
    """A model that was copied in part has another hash, and both hashes are told."""
    path = Path(f"{bundle_copy}.tflite")
    path.write_bytes(path.read_bytes()[:cut])
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    message = refusal(bundle_copy)
    assert f"sha256 must be {load_bundle().sha256} as copy.json says, found {found}" in message
    assert message.endswith("copy both files again or export it again with digitcam-convert")


def test_a_single_flipped_bit(bundle_copy: Path) -> None:
    """A worn card's flipped bit does not run."""
    path = Path(f"{bundle_copy}.tflite")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "sha256 must be" in refusal(bundle_copy)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "expected JSON, found Expecting value: line 1"),
        (b'{"format": 1', "expected JSON, found "),
        (b"\xff\xfe\x00", "expected JSON, found "),
        (b"[" * 100_000, "expected JSON, found "),
        (b"[1]", "expected a JSON object, found list"),
        (b"null", "expected a JSON object, found NoneType"),
    ],
)
def test_a_sidecar_that_is_no_json_object(bundle_copy: Path, content: bytes, found: str) -> None:
    """Damage of the sidecar is told as what it is."""
    Path(f"{bundle_copy}.json").write_bytes(content)
    message = refusal(bundle_copy)
    assert message.startswith(f"{bundle_copy}.json: {found}")
    assert message.endswith("export it again with digitcam-convert")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "format must be 1, found 2"),
        ({"format": None}, "format must be 1, found None"),
        ({"sha256": None}, "sha256 must be None as copy.json says"),
        ({"preprocessing": "sha256:0"}, "trained for preprocessing sha256:0, this digitcam does"),
        ({"preprocessing": None}, "trained for preprocessing None, this digitcam does sha256:"),
        (
            {"classes": None},
            "classes must be the digits 0 to 9 in order, perhaps 'reject' and 'several' after "
            "them, or 'blank' before them, found None",
        ),
        (
            {"classes": "0123456789"},
            "classes must be the digits 0 to 9 in order, perhaps 'reject' and 'several' after",
        ),
        ({"classes": DIGITS[1:]}, "classes must be the digits 0 to 9"),
        ({"classes": [*DIGITS, "9"]}, "classes must be the digits 0 to 9"),
        ({"classes": [*DIGITS, "cat"]}, "classes must be the digits 0 to 9"),
        ({"classes": list(range(10))}, "classes must be the digits 0 to 9"),
        ({"classes": [*DIGITS, ["reject"]]}, "classes must be the digits 0 to 9"),
        ({"temperature": None}, "temperature must be from 0.05 to 20, found None"),
        ({"temperature": 0}, "temperature must be from 0.05 to 20, found 0"),
        ({"temperature": float("nan")}, "temperature must be from 0.05 to 20, found nan"),
        ({"temperature": True}, "temperature must be from 0.05 to 20, found True"),
        ({"temperature": "1"}, "temperature must be from 0.05 to 20, found '1'"),
        ({"thresholds": None}, "min_confidence must be from 0 to 1, found None"),
        ({"thresholds": [0.5]}, "min_confidence must be from 0 to 1, found None"),
        (
            {"thresholds": {"min_confidence": 1.01}},
            "min_confidence must be from 0 to 1, found 1.01",
        ),
        (
            {"thresholds": {"min_confidence": 0.5, "untold": 2}},
            "untold must be from 0 to 1, found 2",
        ),
        (
            {"thresholds": {"min_confidence": 0.5, "untold": None}},
            "untold must be from 0 to 1, found None",
        ),
        (
            {"beliefs": [1, 2]},
            f"{SUMS}, found [1, 2]",
        ),
        (
            {"beliefs": {"bias": 1}},
            f"{SUMS}, found {{'bias': 1}}",
        ),
        (
            {"beliefs": []},
            f"{SUMS}, found []",
        ),
        (
            {"beliefs": [{**WEIGHTS, "height": 0}]},
            SUMS,
        ),
        (
            {"beliefs": [WEIGHTS, {**WEIGHTS, "mark": "1"}]},
            "mark must be from -100 to 100, found '1'",
        ),
        ({"beliefs": [{**WEIGHTS, "bias": 1e9}]}, "bias must be from -100 to 100, found 10000000"),
    ],
)
def test_a_sidecar_that_does_not_fit(
    bundle_copy: Path, changes: dict[str, Any], message: str
) -> None:
    """Each entry is checked, and the line names it, what is allowed and what was found."""
    change(bundle_copy, **changes)
    assert f": {message}" in refusal(bundle_copy)
