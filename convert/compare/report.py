"""A comparison as a page, pictures and a table."""

from __future__ import annotations

from pathlib import Path

from digitcam.edge.files import write_whole
from digitcam.train.architectures import PRESETS
from digitcam.train.reports.page import Picture, Section, Table, write_page

from . import charts
from .measure import PAPER_DIGITS
from .results import Results
from .table import HEADER, LEGEND, markdown, reproduced, rows


def write_report(folder: Path, results: Results) -> list[Path]:
    """Write ``report.html``, ``table.md`` and a PNG a picture; return their paths."""
    cells = rows(results)
    pictures = {"pareto": (charts.pareto(results), "What nothing to the left and below beats.")}
    if any(PAPER_DIGITS in each.paper for each in results.networks):
        caption = "The same networks on MNIST and on paper, worst on paper below."
        pictures["gap"] = (charts.gap(results), caption)
    if reported := [name for name in results.names if _reported(name)]:
        pictures["reported"] = (_against_reports(results, reported), "As reported, and as trained.")
    sections = [
        Section("Table", LEGEND, [Table(HEADER, cells)]),
        *(
            Section(name.capitalize(), "", (), [Picture(png, caption)])
            for name, (png, caption) in pictures.items()
        ),
    ]
    write_page(folder / "report.html", "Networks compared", _summary(results), sections)
    write_whole(folder / "table.md", markdown(HEADER, cells).encode())
    for name, (png, _) in pictures.items():
        write_whole(folder / f"{name}.png", png)
    return [folder / name for name in ("report.html", "table.md", *(f"{n}.png" for n in pictures))]


def _reported(name: str) -> bool:
    return name in PRESETS and PRESETS[name].reported is not None


def _against_reports(results: Results, names: list[str]) -> bytes:
    told = [PRESETS[name].reported for name in names]
    means = [
        sum(reproduced(each, report) for each in results.of(name)) / len(results.of(name))
        for name, report in zip(names, told, strict=True)
    ]
    return charts.cases(names, [report.accuracy for report in told if report], means)


def _summary(results: Results) -> str:
    count = len(results.names)
    return (
        f"{count} network{'s' if count > 1 else ''}, {len(results.networks)} training"
        f"{'s' if len(results.networks) > 1 else ''}; every figure is of this comparison, but "
        "those called reported."
    )
