"""Charts of a search's trials, as PNG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..tuning.outcome import Outcome
from .page import drawn, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from optuna.distributions import BaseDistribution

COLUMNS = 3
"""Charts beside each other."""
WIDTH_IN, HEIGHT_IN = 9.6, 3.2
"""Of a row of charts."""
COLORS = "viridis_r"
LOSS = "validation loss, nats"


def history_chart(outcomes: Sequence[Outcome]) -> bytes:
    """Draw the loss of each trial and the best so far."""
    figure = _figure()
    axes = figure.subplots()
    finished = [each for each in outcomes if each.state == "finished"]
    given_up = [each for each in outcomes if each.state == "given up"]
    _scatter(axes, [each.trial for each in finished], finished, color="C0", label="finished")
    if given_up:
        hollow = {"facecolors": "none", "edgecolors": "C0"}
        _scatter(axes, [each.trial for each in given_up], given_up, label="given up", **hollow)
    best, lowest = [], math.inf
    for each in finished:
        lowest = min(lowest, _loss(each))
        best.append(lowest)
    axes.step(
        [each.trial for each in finished], best, where="post", color="C1", label="best so far"
    )
    axes.set(xlabel="trial", ylabel=LOSS)
    _scale_losses(axes)
    _scale_whole(axes)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return drawn(figure)


def curve_chart(outcomes: Sequence[Outcome]) -> bytes:
    """Draw the loss by epoch, dark for late trials."""
    figure = _figure()
    axes = figure.subplots()
    colors = _colors(outcomes)
    for each, color in zip(outcomes, colors, strict=True):
        if each.curve:
            epochs = sorted(each.curve)
            losses = [each.curve[epoch] for epoch in epochs]
            axes.plot(epochs, losses, color=color, linewidth=1, marker=".")
    axes.set(xlabel="epoch", ylabel=LOSS)
    _scale_losses(axes)
    _scale_whole(axes)
    return drawn(figure)


def importance_chart(shares: Mapping[str, float]) -> bytes:
    """Draw how much each setting explains, the most at the top."""
    figure = _figure(0.8 + 0.32 * len(shares))
    axes = figure.subplots()
    bars = axes.barh(list(shares), [100 * share for share in shares.values()], color="C0")
    axes.bar_label(bars, fmt="%.0f %%", padding=3)
    axes.invert_yaxis()
    axes.set(xlabel="share, %", xlim=(0, 108))
    return drawn(figure)


def slice_charts(
    outcomes: Sequence[Outcome],
    space: Mapping[str, BaseDistribution],
    own: Mapping[str, float],
) -> bytes:
    """Draw the loss against each setting, and against the network's size where it changes.

    Args:
        outcomes: The trials.
        space: What is searched.
        own: The network's own values.
    """
    known = [each for each in outcomes if each.curve and each.state in ("finished", "given up")]
    sizes = {each.multiplications for each in known}
    names = [*space, *(["multiplications"] if len(sizes) > 1 else [])]
    rows = math.ceil(len(names) / COLUMNS)
    figure = _figure(HEIGHT_IN * rows)
    grid = figure.subplots(rows, COLUMNS, squeeze=False, sharey=True)
    for axes, name in zip(grid.flat, names, strict=False):
        values = [
            each.multiplications if name == "multiplications" else each.values[name]
            for each in known
        ]
        _slice(axes, values, known)
        _scale_values(axes, space.get(name))
        axes.set_xlabel(name)
        if name in own:
            axes.axvline(own[name], color="gray", linewidth=1, linestyle="--")
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel(LOSS)
    _scale_losses(grid[0, 0])
    return drawn(figure)


def _slice(axes: Axes, values: Sequence[Any], known: Sequence[Outcome]) -> None:
    colors = _colors(known)
    faces = [
        color if each.state == "finished" else "none"
        for each, color in zip(known, colors, strict=True)
    ]
    _scatter(axes, values, known, facecolors=faces, edgecolors=colors)


def _scale_values(axes: Axes, distribution: BaseDistribution | None) -> None:
    """Show the whole range of a setting, so that points at its edge can be told."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if isinstance(distribution, CategoricalDistribution):
        choices = [int(str(choice)) for choice in distribution.choices]
        axes.set_xscale("log", base=2)
        axes.set_xticks(choices, [str(choice) for choice in choices])
        axes.set_xlim(choices[0] / 1.2, choices[-1] * 1.2)
        axes.minorticks_off()
    elif isinstance(distribution, FloatDistribution):
        low, high = distribution.low, distribution.high
        if distribution.log:
            axes.set_xscale("log")
            axes.set_xlim(low / 1.2, high * 1.2)
        else:
            margin = (high - low) / 20
            axes.set_xlim(low - margin, high + margin)


def _scale_whole(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _scale_losses(axes: Axes) -> None:
    """Set losses on a logarithmic axis, because the worst are a hundred times the best."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _scatter(axes: Axes, x: Sequence[Any], outcomes: Sequence[Outcome], **options: Any) -> None:
    axes.scatter(x, [_loss(each) for each in outcomes], s=30, **options)


def _loss(outcome: Outcome) -> float:
    return math.nan if outcome.validation_loss is None else outcome.validation_loss


def _colors(outcomes: Sequence[Outcome]) -> list[tuple[float, ...]]:
    """Return a color for each trial, dark for late ones."""
    from matplotlib import colormaps

    latest = max((each.trial for each in outcomes), default=0) or 1
    return [colormaps[COLORS](0.15 + 0.85 * each.trial / latest) for each in outcomes]


def _figure(height_in: float = HEIGHT_IN) -> Figure:
    return new_figure(WIDTH_IN, height_in)
