"""Curves of a training as PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


def save_curves(history: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw loss, error and learning rate by epoch.

    Args:
        history: One row an epoch, as ``history.csv`` has it.
        path: The PNG to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    epochs = [row["epoch"] for row in history]
    for name, label in (("loss", "training"), ("val_loss", "validation")):
        left.plot(epochs, [row[name] for row in history], label=label)
    for name, label in (
        ("accuracy", "training, distorted"),
        ("digit_accuracy", "held-back digits"),
        ("scene_accuracy", "held-back scenes"),
    ):
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
    figure.savefig(path, format="png", dpi=100)
