"""The model bundle, a .tflite and its .json sidecar: read, checked, or refused with the reason."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ModelError
from .golden import COUNT, STEP, Golden
from .reading.beliefs import FEATURES, Beliefs
from .reading.view import fingerprint
from .reading.word_image import word_fingerprint

FORMAT = 1
"""Version of the sidecar that this code reads."""
SHIPPED = Path(__file__).parent / "models"
"""Where the bundles are that ship with the package."""
DEFAULT_BUNDLE = SHIPPED / "digits"
DIGIT_CLASSES = tuple("0123456789")
REJECT_CLASS = "reject"
"""Class of what is no digit; a model may have it or not."""
SEVERAL_CLASS = "several"
"""Class of digits that touch; a model with ``reject`` may have it or not."""
BLANK_CLASS = "blank"
"""Class of a step of a string at which no digit is."""
STRING_CLASSES = (BLANK_CLASS, *DIGIT_CLASSES)
"""Classes of a model that reads strings, in order."""
ORDER = (*DIGIT_CLASSES, REJECT_CLASS, SEVERAL_CLASS)
"""Classes of a network for single digits, in the only order that networks are trained in."""
MAX_TOLD = 100
"""Longest value of a sidecar that a message shows, characters."""
AGAIN = "export it again with digitcam-convert"


@dataclass(frozen=True)
class Bundle:
    """A model and what its sidecar says of it."""

    model: bytes
    """Content of the .tflite."""
    name: str
    """What messages call it."""
    classes: tuple[str, ...]
    """What each logit stands for."""
    temperature: float
    """What logits are divided by before the softmax; more is less certain."""
    min_confidence: float
    """Less certain digits become ``?`` unless the user says otherwise, 0 to 1."""
    sha256: str
    """Of the .tflite, hexadecimal."""
    sidecar: Mapping[str, Any]
    """Everything the sidecar holds."""
    untold: float = 0.5
    """From this probability on a mark that stands in a number is a digit, told or ``?``, 0 to 1."""
    beliefs: Beliefs = Beliefs()
    """How evidence is weighed."""
    golden: Golden | None = None
    """What the model made of golden images at export; older bundles have none."""

    @property
    def is_shipped(self) -> bool:
        """Whether it comes with the package."""
        return Path(self.name).parent == SHIPPED


def load_bundle(path: Path = DEFAULT_BUNDLE) -> Bundle:
    """Read a bundle and check all that can be checked without running it.

    Args:
        path: The bundle with or without ``.tflite`` or ``.json``, or the name of a shipped one.

    Raises:
        ModelError: It is missing, damaged, or made for other code.
    """
    stem = path.with_suffix("") if path.suffix in (".tflite", ".json") else path
    shipped = SHIPPED / stem.name
    if stem.parent == Path() and not _model_of(stem).exists() and _model_of(shipped).exists():
        stem = shipped
    model_path, sidecar_path = _model_of(stem), Path(f"{stem}.json")
    model, sidecar = _read(model_path), _parse(sidecar_path, _read(sidecar_path))
    if sidecar.get("format") != FORMAT:
        raise ModelError(
            f"{sidecar_path}: format must be {FORMAT}, found {_told(sidecar.get('format'))}; "
            f"{AGAIN}"
        )
    digest = hashlib.sha256(model).hexdigest()
    if sidecar.get("sha256") != digest:
        raise ModelError(
            f"{model_path}: sha256 must be {_told(sidecar.get('sha256'))} as {sidecar_path.name} "
            f"says, found {digest}; copy both files again or {AGAIN}"
        )
    classes = _classes(sidecar_path, sidecar.get("classes"))
    own = word_fingerprint() if classes == STRING_CLASSES else fingerprint()
    if sidecar.get("preprocessing") != own:
        raise ModelError(
            f"{sidecar_path}: trained for preprocessing "
            f"{_told(sidecar.get('preprocessing'))}, this digitcam does {own}; train with this "
            f"version and {AGAIN}"
        )
    return Bundle(
        model=model,
        name=str(model_path),
        classes=classes,
        temperature=_number(sidecar_path, sidecar, "temperature", 0.05, 20),
        min_confidence=_number(sidecar_path, sidecar.get("thresholds"), "min_confidence", 0, 1),
        sha256=digest,
        sidecar=sidecar,
        untold=_number(sidecar_path, {"untold": 0.5, **sidecar["thresholds"]}, "untold", 0, 1),
        beliefs=_beliefs(sidecar_path, sidecar.get("beliefs")),
        golden=_golden(sidecar_path, sidecar.get("golden"), len(classes)),
    )


def check_kind(bundle: Bundle, *, strings: bool) -> Bundle:
    """Return the bundle if it is for strings, or for single digits, as wanted.

    Raises:
        ModelError: It is not.
    """
    if strings and bundle.classes != STRING_CLASSES:
        raise ModelError(
            f"{bundle.name}: expected a reader of strings, with the classes "
            f"{', '.join(STRING_CLASSES)}, found {', '.join(bundle.classes)}; {AGAIN}"
        )
    if not strings and bundle.classes == STRING_CLASSES:
        raise ModelError(
            f"{bundle.name}: expected a network for single digits, found a reader of strings; "
            "give it as the setting `strings`"
        )
    return bundle


def _model_of(stem: Path) -> Path:
    return Path(f"{stem}.tflite")


def _shipped_names() -> list[str]:
    return sorted(file.stem for file in SHIPPED.glob("*.tflite"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{path}: expected a model bundle (NAME.tflite and NAME.json), cannot read it: "
            f"{error.strerror}; check the path, or name one that ships: "
            f"{', '.join(_shipped_names())}"
        ) from error


def _parse(path: Path, content: bytes) -> dict[str, Any]:
    try:
        sidecar = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: expected JSON, found {error}; {AGAIN}") from error
    if not isinstance(sidecar, dict):
        raise ModelError(f"{path}: expected a JSON object, found {type(sidecar).__name__}; {AGAIN}")
    return sidecar


def _classes(path: Path, found: object) -> tuple[str, ...]:
    if found == list(STRING_CLASSES):
        return STRING_CLASSES
    for count in range(len(DIGIT_CLASSES), len(ORDER) + 1):
        if found == list(ORDER[:count]):
            return ORDER[:count]
    raise ModelError(
        f"{path}: classes must be the digits 0 to 9 in order, perhaps {REJECT_CLASS!r} and "
        f"{SEVERAL_CLASS!r} after them, or {BLANK_CLASS!r} before them, found {_told(found)}; "
        f"{AGAIN}"
    )


def _told(value: object) -> str:
    """Show a value of a sidecar in one line, cut."""
    try:
        text = value if isinstance(value, str) and len(value) > 1 else repr(value)
    except RecursionError:
        text = type(value).__name__
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= MAX_TOLD else f"{text[:MAX_TOLD]}..."


def _number(path: Path, holder: object, key: str, low: float, high: float) -> float:
    found = holder.get(key) if isinstance(holder, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float) or not low <= found <= high:
        raise ModelError(
            f"{path}: {key} must be from {low} to {high}, found {_told(found)}; {AGAIN}"
        )
    return float(found)


def _beliefs(path: Path, found: object) -> Beliefs:
    if found is None:
        return Beliefs()
    sums = found if isinstance(found, list) else [found]
    if not sums or any(not isinstance(e, dict) or set(e) != set(FEATURES) for e in sums):
        raise ModelError(
            f"{path}: beliefs must be sums with weights of {', '.join(FEATURES[:3])}, ..., found "
            f"{_told(found)}; weigh the bundle with this version, or {AGAIN}"
        )
    return Beliefs(
        tuple(tuple(_number(path, e, name, -100, 100) for name in FEATURES) for e in sums)
    )


def _golden(path: Path, found: object, classes: int) -> Golden | None:
    if found is None:
        return None
    holder = found if isinstance(found, dict) else {}
    images, rows, limit = holder.get("images"), holder.get("logits"), holder.get("limit", STEP)
    if (
        not isinstance(images, str)
        or type(limit) is not int
        or not STEP <= limit <= 255
        or not isinstance(rows, list)
        or len(rows) != COUNT
        or any(not isinstance(row, str) or not _is_hexadecimal(row, classes) for row in rows)
    ):
        raise ModelError(
            f"{path}: golden must hold the digest of its images, {COUNT} times {classes} int8 "
            f"logits in hexadecimal and perhaps a limit from {STEP} to 255, found {_told(found)}; "
            f"{AGAIN}"
        )
    return Golden(images, tuple(bytes.fromhex(row) for row in rows), limit)


def _is_hexadecimal(text: str, count: int) -> bool:
    """Tell whether a text is so many bytes, two digits each."""
    return re.fullmatch(f"[0-9a-f]{{{2 * count}}}", text) is not None
