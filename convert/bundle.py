"""The bundle's files: .tflite, .json sidecar, .md card. The only module that writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from digitcam.edge.files import write_whole

SUFFIXES = (".tflite", ".json", ".md")


def bundle_stem(path: Path) -> Path:
    """Return the path that the bundle's files share, given it or one of them."""
    return path.with_suffix("") if path.suffix in SUFFIXES else path


def bundle_files(stem: Path) -> tuple[Path, Path, Path]:
    """Return the paths of the .tflite, the sidecar and the card."""
    tflite, sidecar, card = (stem.with_name(stem.name + suffix) for suffix in SUFFIXES)
    return tflite, sidecar, card


def write_bundle(stem: Path, model: bytes, sidecar: Mapping[str, Any], card: str) -> None:
    """Write the bundle, each file whole or not at all.

    The .tflite comes first: whoever reads between two of the files finds a hash that does not fit
    and refuses the bundle.

    Args:
        stem: Path without suffix, in a folder that exists.
        model: Content of the .tflite.
        sidecar: Content of the .json.
        card: Content of the .md.

    """
    document = json.dumps(sidecar, indent=2, ensure_ascii=False) + "\n"
    contents = (model, document.encode(), card.encode())
    for path, content in zip(bundle_files(stem), contents, strict=True):
        write_whole(path, content)
