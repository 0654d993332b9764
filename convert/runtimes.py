"""Both TFLite runtimes, running models as the device does."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from digitcam.edge.bundle import Bundle
from digitcam.edge.classify import Classifier, find_interpreter
from digitcam.edge.errors import ModelError, RuntimeUnavailableError
from digitcam.edge.frame import GrayImage
from digitcam.edge.reading.words import WordReader

from .apart import Result, apart
from .errors import DiedError

Name = Literal["tflite-runtime", "litert"]
DISTRIBUTIONS: dict[Name, str] = {"tflite-runtime": "tflite-runtime", "litert": "ai-edge-litert"}
LAST_PYTHON = (3, 11)
"""The newest Python with a tflite-runtime wheel."""


def missing_runtimes() -> list[str]:
    """Tell, a sentence each, which runtimes the checks need and this Python cannot load."""
    return [reason for name in DISTRIBUTIONS if (reason := _missing(name))]


def logits(bundle: Bundle, runtime: Name, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Run a model as the device does.

    Args:
        bundle: The model.
        runtime: Which runtime runs it.
        images: (N, 28, 28) uint8 model images.

    Returns:
        (N, classes) int8 logits.

    Raises:
        ModelError: The runtime refuses the model, fails, or dies of it.
        RuntimeUnavailableError: It cannot be loaded.

    """
    return _run(_logits, bundle, runtime, images)


def string_logits(
    bundle: Bundle, runtime: Name, images: Sequence[GrayImage]
) -> list[NDArray[np.int8]]:
    """Run a reader of strings as the device does.

    Args:
        bundle: The model.
        runtime: Which runtime runs it.
        images: (32, W) uint8 each.

    Returns:
        (W / 4, classes) int8 logits each, W filled up.

    Raises:
        ModelError: The runtime refuses the model, fails, or dies of it.
        RuntimeUnavailableError: It cannot be loaded.

    """
    return _run(_string_logits, bundle, runtime, images)


def _run(work: Callable[..., Result], bundle: Bundle, runtime: Name, images: object) -> Result:
    try:
        return apart(work, bundle, runtime, images)
    except ModelError:
        raise
    except (DiedError, RuntimeError, ValueError) as error:
        raise ModelError(f"{bundle.name}: {runtime} cannot run it: {error}") from error


def versions() -> dict[str, str]:
    """Return the versions of the runtimes."""
    return {distribution: metadata.version(distribution) for distribution in DISTRIBUTIONS.values()}


def _missing(name: Name) -> str | None:
    if name == "tflite-runtime" and sys.version_info[:2] > LAST_PYTHON:
        return (
            "tflite-runtime 2.14: conversion is verified on Python 3.11, for which it has wheels, "
            f"found Python {platform.python_version()}; "
            "run digitcam-convert there"
        )
    try:
        return apart(_probe, name)
    except DiedError as error:
        return f"{name}: expected a runtime that loads, found that {error}; install it again"


def _probe(name: Name) -> str | None:
    try:
        find_interpreter(name)
    except RuntimeUnavailableError as error:
        return str(error)
    return None


def _string_logits(
    bundle: Bundle, runtime: Name, images: Sequence[GrayImage]
) -> list[NDArray[np.int8]]:
    return WordReader(bundle, runtime).logits(images)


def _logits(bundle: Bundle, runtime: Name, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    return Classifier(bundle, runtime, rehearsed=True).logits(images)
