"""Curves of a training and of what it gave as PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_curves(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw loss, error and learning rate by epoch, and write it as PNG."""
    draw_curves(history).savefig(path, format="png", dpi=100)


def draw_curves(history: Sequence[Mapping[str, float]]) -> Figure:
    """Draw loss, error and learning rate by epoch.

    Args:
        history: One row an epoch, as ``history.csv`` has it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    epochs = [row["epoch"] for row in history]
    for name, label in (("loss", "training"), ("val_loss", "validation")):
        if name in history[0]:
            left.plot(epochs, [row[name] for row in history], label=label)
    for name, label in (
        ("accuracy", "training"),
        ("digit_accuracy", "held-back digits"),
        ("page_accuracy", "held-back pages"),
    ):
        if name in history[0]:
            middle.plot(epochs, [100 * (1 - row[name]) for row in history], label=label)
    right.plot(epochs, [row["learning_rate"] for row in history])
    for axes, title in (
        (left, "cross-entropy, nats"),
        (middle, "error, %"),
        (right, "learning rate"),
    ):
        axes.set(title=title, xlabel="epoch", yscale="log")
    left.legend()
    middle.legend()
    return figure


def save_coverage(curve: Sequence[Mapping[str, float]], chosen: float, path: Path) -> None:
    """Draw error against coverage, and write it as PNG."""
    draw_coverage(curve, chosen).savefig(path, format="png", dpi=100)


def draw_coverage(curve: Sequence[Mapping[str, float]], chosen: float) -> Figure:
    """Draw the error among the answers against the part of the digits that is answered.

    Args:
        curve: As ``evaluation.coverage_curve`` makes it.
        chosen: The threshold that is marked; one of the curve's.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.subplots()
    coverage, error = ([100 * row[name] for row in curve] for name in ("coverage", "error"))
    axes.plot(coverage, error, marker=".")
    at = [row["threshold"] for row in curve].index(chosen)
    axes.plot(coverage[at], error[at], "o", label=f"min_confidence {chosen:.2f}")
    axes.set(xlabel="digits answered, %", ylabel="wrong among the answers, %")
    axes.legend()
    return figure
