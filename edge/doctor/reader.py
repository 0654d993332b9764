"""Checks of what reads: the settings, the model and the runtime."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ..bundle import AGAIN, Bundle, check_kind, load_bundle
from ..classify import INSTALL
from ..errors import ModelError, SettingsError
from ..golden import COUNT
from ..settings import Runtime, Settings
from ..settings_file import load_settings
from .finding import Finding, failure, ok, refusal, warning
from .machine import Machine, Ran
from .probe import MODULE

RUNTIME_S = 60.0
"""Time limit of a runtime's start, on a Pi Zero with a slow card too."""
NAMES: dict[Runtime, str] = {"tflite-runtime": "tflite-runtime", "litert": "ai-edge-litert"}
"""The distribution of each runtime."""


def check_settings(path: Path | None) -> tuple[Finding, Settings | None]:
    """Read the settings file; without one the defaults hold."""
    if path is None:
        return ok("settings", "no file, the defaults hold"), Settings()
    try:
        settings = load_settings(path)
    except SettingsError as error:
        return refusal("settings", error), None
    return ok("settings", f"{path}: every value is possible"), settings


def check_model(settings: Settings) -> tuple[Finding, Bundle | None]:
    """Load the bundles: their hashes, their preprocessing and their sidecars."""
    try:
        bundles = [check_kind(load_bundle(Path(settings.model)), strings=False)]
        if settings.strings:
            bundles.append(check_kind(load_bundle(Path(settings.strings)), strings=True))
    except ModelError as error:
        return refusal("model", error), None
    found = " and ".join(f"{bundle.name}, sha256 {bundle.sha256:.12}" for bundle in bundles)
    fits = "fit" if len(bundles) > 1 else "fits"
    return ok("model", f"{found}, {fits} this digitcam's preprocessing"), bundles[0]


def check_runtime(settings: Settings, bundle: Bundle | None, machine: Machine) -> Finding:
    """Build an interpreter and compare what it makes of the golden images.

    In a process of its own: a runtime that is made for another processor dies of a signal.
    tflite-runtime beside numpy 2 imports, and fails when the interpreter is built.
    """
    if bundle is None:
        return warning("runtime", "not tried, for want of a model", "mend the model first")
    arguments = (settings.model, settings.runtime, str(settings.threads))
    ran = run_probe(machine, "runtime", *arguments, timeout_s=RUNTIME_S)
    answer = answer_of(ran)
    if answer is None:
        return failure(
            "runtime",
            f"expected an answer of the golden images, found the process ended by {ran.ending()}",
            "install the runtime for this processor again: pip install --force-reinstall; "
            "or choose the other one in the settings, runtime = ...",
        )
    installed = answer["versions"]
    if "error" in answer:
        return _unusable(answer["error"], settings.runtime, installed)
    name = answer["runtime"]
    used = f"{name} {installed.get(NAMES[name], '')} with numpy {installed.get('numpy', '')}"
    return _compared(used, answer)


def run_probe(machine: Machine, *arguments: str, timeout_s: float) -> Ran:
    """Run a probe with this Python; ``-P`` keeps the folder at hand out of its imports."""
    ran = machine.run(sys.executable, "-P", "-m", MODULE, *arguments, timeout_s=timeout_s)
    return ran or Ran(127, "", f"{sys.executable} cannot be started")


def answer_of(ran: Ran) -> dict[str, Any] | None:
    """Return what a probe printed last; libraries may have printed before it."""
    try:
        answer = json.loads(ran.out.splitlines()[-1])
    except (IndexError, ValueError):
        return None
    return answer if isinstance(answer, dict) and ran.status == 0 else None


def _unusable(error: str, wanted: Runtime, installed: dict[str, str]) -> Finding:
    numpy, tflite = installed.get("numpy", "0"), installed.get(NAMES["tflite-runtime"])
    tried = wanted == "tflite-runtime" or NAMES["litert"] not in installed
    if tflite and tried and int(numpy.split(".")[0]) >= 2:
        return failure(
            "runtime",
            f"tflite-runtime {tflite} with numpy {numpy}: it is built for numpy 1, imports beside "
            "numpy 2 and then fails",
            f"pip install 'numpy<2' in digitcam's environment, or {INSTALL['litert']}",
        )
    choice = "tflite-runtime" if sys.version_info < (3, 12) else "litert"
    return failure("runtime", error, f"in digitcam's environment: {INSTALL[choice]}")


def _compared(used: str, answer: dict[str, Any]) -> Finding:
    steps = answer.get("steps")
    if steps is None:
        return warning(
            "runtime",
            f"{used}, runs; nothing to compare with: the bundle has no golden logits of this "
            "version's images",
            f"{AGAIN}, if you doubt what it reads",
        )
    limit = answer["limit"]
    within = f"within {limit} step{'s' if limit > 1 else ''}"
    if steps <= limit:
        return ok("runtime", f"{used}, {COUNT} golden images {within}")
    found = f"{used}: golden logits must be met {within}, found {steps}"
    remedy = "try the other runtime (runtime = ... in the settings), and report the processor"
    if answer["alike"]:
        return warning("runtime", f"{found}, with the same answers", remedy)
    return failure("runtime", f"{found}, with other answers", remedy)
