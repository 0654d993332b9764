"""Checks of the machine, each with its remedy: what ``edge-doctor`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .board import check_memory, check_power, check_temperature
from .camera import check_camera, check_groups
from .finding import Finding
from .machine import Machine
from .reader import check_model, check_runtime, check_settings
from .system import check_clock, check_disk, check_service

__all__ = ["Finding", "Machine", "examine"]


def examine(config: Path | None, machine: Machine) -> Iterator[Finding]:
    """Yield what each check finds, as it is found.

    Args:
        config: The settings file; None is the defaults. With settings that are wrong, what they
            are about is not checked.
        machine: What is examined.
    """
    finding, settings = check_settings(config)
    yield finding
    if settings is not None:
        finding, bundle = check_model(settings)
        yield finding
        yield check_runtime(settings, bundle, machine)
        yield check_camera(settings, machine)
        yield check_groups(settings, machine)
        yield check_disk(settings, machine)
    yield check_power(machine)
    yield check_temperature(machine)
    yield check_memory(settings, machine)
    yield check_clock(machine)
    yield check_service(machine)
