"""A comparison as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from digitcam.train.reports.page import drawn, new_figure

from .measure import PAPER_DIGITS
from .results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST_ERROR = 0.01
"""Percent that an error of none is drawn at, since the axis is logarithmic."""
SHOWN = {
    "MNIST's test digits": None,
    "photographed digits": PAPER_DIGITS,
    "handwritten amounts, exact": "amounts",
    "letters that are left": "characters: letters",
}
"""What a picture shows of each network, and the kind of result that it is."""
OWN = ("digits", "flagship", "tiny")
"""Networks that are set off by colour, by how their names begin."""


def pareto(results: Results) -> bytes:
    """Draw error against time and size, on MNIST and on paper; nothing beats what a line joins.

    Of MNIST's digits each network sees what it was trained to see.
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    errors = {"MNIST's test digits": _errors(results, None)}
    if paper := _errors(results, PAPER_DIGITS):
        errors["digits on paper"] = paper
    costs = {
        "milliseconds a digit": results.milliseconds,
        "kB of the bundle": {n: results.of(n)[0].bytes / 1e3 for n in results.names},
    }
    figure = new_figure(12, 4.6 * len(errors))
    grid = figure.subplots(len(errors), len(costs), squeeze=False)
    for row, (what, error) in zip(grid, errors.items(), strict=True):
        for axes, (cost, price) in zip(row, costs.items(), strict=True):
            _scatter(axes, price, error)
            axes.set(xlabel=cost, ylabel=f"error, %: {what}", xscale="log", yscale="log")
            axes.margins(x=0.2, y=0.1)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
                axis.set_major_formatter("{x:g}")
                axis.set_minor_formatter(NullFormatter())
    return drawn(figure)


def gap(results: Results) -> bytes:
    """Draw each network's accuracy on MNIST beside that on paper."""
    parts = {
        label: {name: 100 - error for name, error in _errors(results, kind).items()}
        for label, kind in SHOWN.items()
    }
    paper = parts["photographed digits"]
    names = sorted(results.names, key=lambda name: paper.get(name, 0))
    figure = new_figure(10, 1.6 + 0.34 * len(names))
    axes = figure.subplots()
    for row, name in enumerate(names):
        ends = [part[name] for part in parts.values() if name in part]
        axes.plot([min(ends), max(ends)], [row, row], color="0.85", linewidth=4, zorder=1)
    for label, part in parts.items():
        chosen = [(part[name], row) for row, name in enumerate(names) if name in part]
        if chosen:
            axes.scatter(*zip(*chosen, strict=True), label=label, zorder=2)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="right, %", xlim=(0, 101))
    figure.legend(loc="outside upper center", ncols=len(parts))
    return drawn(figure)


def front(cost: Mapping[str, float], error: Mapping[str, float]) -> list[str]:
    """Return what nothing beats in both cost and error, cheapest first."""
    found: list[str] = []
    for name in sorted(cost, key=lambda each: (cost[each], error[each])):
        if not found or error[name] < error[found[-1]]:
            found.append(name)
    return found


def _errors(results: Results, kind: str | None) -> dict[str, float]:
    """Return the mean error over seeds by name, percent; of MNIST without a kind."""
    errors = {}
    for name in results.names:
        seeds = results.of(name)
        known = [
            each.paper[kind] if kind else each.test_accuracy
            for each in seeds
            if kind is None or kind in each.paper
        ]
        if known:
            errors[name] = max(100 * (1 - fmean(known)), LEAST_ERROR)
    return errors


def _scatter(axes: Axes, cost: Mapping[str, float], error: Mapping[str, float]) -> None:
    both = [name for name in cost if name in error]
    best = front({name: cost[name] for name in both}, error)
    axes.plot([cost[n] for n in best], [error[n] for n in best], color="0.7", zorder=1)
    for name in both:
        color = "tab:orange" if name.startswith(OWN) else "tab:blue"
        axes.scatter(cost[name], error[name], color=color, zorder=2)
        place = (cost[name], error[name])
        axes.annotate(name, place, xytext=(4, 4), textcoords="offset points", fontsize=7)


def cases(names: Sequence[str], reported: Sequence[float], measured: Sequence[float]) -> bytes:
    """Draw reported beside reproduced accuracies, 0 to 1, of networks that vary one recipe."""
    figure = new_figure(8, 3.2)
    axes = figure.subplots()
    places = range(len(names))
    axes.plot(places, [100 * value for value in reported], "o", label="reported")
    axes.plot(places, [100 * value for value in measured], "D", label="reproduced")
    axes.set_xticks(list(places), names, rotation=30, ha="right")
    axes.set(ylabel="test digits right, %")
    axes.grid(axis="y", alpha=0.3)
    axes.legend()
    return drawn(figure)
