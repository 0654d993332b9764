"""What came of a search: the best recipe, a table of the trials, and a page of both."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from digitcam.edge.files import write_whole

from ..architectures import find_preset
from ..errors import RunError
from ..run import Recipe
from ..tuning.outcome import Outcome, best_of, outcome_of
from ..tuning.space import own_values, recipe_with
from .page import Picture, Section, Table, write_page
from .search_charts import curve_chart, history_chart, importance_chart, slice_charts

if TYPE_CHECKING:
    from ..tuning.search import Search
    from ..tuning.study import Study

PAGE, BEST, TRIALS = "report.html", "best.json", "trials.csv"
COLUMNS = (
    *("trial", "folder", "state", "validation_loss", "digit_accuracy", "epochs", "seconds"),
    *("parameters", "multiplications"),
)
"""Of trials.csv, before the settings and the reason of a failure."""
LEAST_FOR_IMPORTANCE = 4
"""Finished trials below which nothing can be said of what mattered."""


def write_results(search: Search, study: Study) -> Outcome | None:
    """Write trials.csv, best.json and the page, each whole or not at all.

    Returns:
        The best trial; None, and no best.json, if none has finished.

    Raises:
        RunError: There is no room; what was there before stays.
    """
    outcomes = [outcome_of(trial) for trial in study.trials()]
    best = best_of(outcomes)
    try:
        write_whole(search.out / TRIALS, _table(outcomes, list(search.space)).encode())
        if best:
            content = json.dumps(best_recipe(search, best), indent=1) + "\n"
            write_whole(search.out / BEST, content.encode())
        _write_report(search, study, outcomes, best)
    except OSError as error:
        raise RunError(
            f"{search.out}: the results cannot be written: {error.strerror}; make room and call it "
            "again, the trials are kept"
        ) from error
    return best


def best_recipe(search: Search, best: Outcome) -> dict[str, Any]:
    """Return what best.json holds: the values, the whole recipe, and how to train it."""
    recipe = full_recipe(search.recipe, best.values)
    return {
        "trial": best.trial,
        "validation_loss": best.validation_loss,
        "digit_accuracy": best.digit_accuracy,
        "values": dict(best.values),
        "recipe": asdict(recipe),
        "command": train_command(search, recipe),
    }


def full_recipe(searched: Recipe, values: Mapping[str, float]) -> Recipe:
    """Return the network's own recipe, as long as it is, with the values that were found."""
    own = find_preset(searched.architecture).recipe
    return replace(recipe_with(own, values), seed=searched.seed)


def train_command(search: Search, recipe: Recipe) -> str:
    """Return the call of digitcam-train that trains a recipe in full."""
    own = find_preset(recipe.architecture).recipe
    words = ["digitcam-train"]
    if recipe.feed != own.feed:
        words += ["--recipe", str(search.out / BEST)]
    else:
        words += ["--arch", recipe.architecture]
        for name, value in asdict(recipe).items():
            if name not in ("architecture", "feed") and value != getattr(own, name):
                words += [f"--{name.replace('_', '-')}", f"{value}"]
    if search.photographs:
        words += ["--photographs", str(search.photographs)]
    return shlex.join([*words, "--out", str(search.out / "best")])


def _table(outcomes: Sequence[Outcome], names: Sequence[str]) -> str:
    rows = io.StringIO()
    writer = csv.writer(rows)
    writer.writerow([*COLUMNS, *names, "reason"])
    for each in outcomes:
        values = [each.values.get(name) for name in names]
        writer.writerow([*(getattr(each, column) for column in COLUMNS), *values, each.reason])
    return rows.getvalue()


def _write_report(
    search: Search, study: Study, outcomes: Sequence[Outcome], best: Outcome | None
) -> None:
    recipe = search.recipe
    epochs = "1 epoch" if recipe.epochs == 1 else f"{recipe.epochs} epochs"
    counted = [each for each in outcomes if each.state != "cut off"]
    finished = sum(each.state == "finished" for each in counted)
    summary = (
        f"{recipe.architecture}: {finished} trials of {epochs} finished, "
        f"{sum(each.state == 'given up' for each in counted)} given up half-way, "
        f"{sum(each.state == 'failed' for each in counted)} failed. A trial is judged by its "
        f"validation loss: the cross-entropy over {recipe.validation:,} held-back digits"
        f"{' and marks' if recipe.feed else ''} after the last epoch, in nats. It tells trials "
        "apart that read the same number of digits right. The test set was not looked at."
    )
    sections = [_trials_section(counted, list(search.space))]
    if best:
        sections = [
            _best_section(search, best),
            _course_section(counted, recipe.epochs),
            _importance_section(study, counted),
            _values_section(search, counted),
            *sections,
        ]
    write_page(
        search.out / PAGE, f"digitcam: settings for {recipe.architecture}", summary, sections
    )


def _best_section(search: Search, best: Outcome) -> Section:
    own = own_values(search.recipe, best.values)
    rows = [[name, f"{own[name]:g}", f"{value:g}"] for name, value in best.values.items()]
    command = train_command(search, full_recipe(search.recipe, best.values))
    return Section(
        "The best",
        f"Trial {best.trial}, validation loss {best.validation_loss:.5f}, "
        f"{_percent(best.digit_accuracy)} of the held-back digits right. To train it in full: "
        f"{command}",
        [Table(("setting", "the network's own", "found"), rows)],
    )


def _course_section(outcomes: Sequence[Outcome], epochs: int) -> Section:
    caption = "Validation loss by trial; the line is the best so far."
    pictures = [Picture(history_chart(outcomes), caption)]
    if epochs > 1:
        caption = "Validation loss by epoch, a line a trial, dark for late ones."
        pictures.append(Picture(curve_chart(outcomes), caption))
    return Section(
        "How the search went",
        "The first trial has the network's own settings. Two trainings that differ in nothing but "
        "their seed differ too: a gain that is small beside the spread of the points near the best "
        "may be none.",
        pictures=pictures,
    )


def _importance_section(study: Study, outcomes: Sequence[Outcome]) -> Section:
    title = "What mattered"
    shares = _importances(study, outcomes)
    if not shares:
        return Section(title, f"Too few trials to say: {LEAST_FOR_IMPORTANCE} finished are needed.")
    caption = (
        "Part of the spread of the validation loss that each setting explains, within the range "
        "that was searched (fANOVA: Hutter, Hoos and Leyton-Brown 2014)."
    )
    return Section(
        title,
        "With few trials these shares are rough.",
        pictures=[Picture(importance_chart(shares), caption)],
    )


def _importances(study: Study, outcomes: Sequence[Outcome]) -> dict[str, float]:
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    losses = {each.validation_loss for each in outcomes if each.state == "finished"}
    if len(losses) < LEAST_FOR_IMPORTANCE:
        return {}
    return get_param_importances(study.optuna, evaluator=FanovaImportanceEvaluator(seed=0))


def _values_section(search: Search, outcomes: Sequence[Outcome]) -> Section:
    return Section(
        "Setting by setting",
        "Where the best points lie at an edge, a wider range may hold better ones.",
        pictures=[
            Picture(
                slice_charts(outcomes, search.space, own_values(search.recipe, search.space)),
                "Validation loss against each setting, dark for late trials; hollow points were "
                "given up. The line marks the network's own value.",
            )
        ],
    )


def _trials_section(outcomes: Sequence[Outcome], names: Sequence[str]) -> Section:
    header = ["trial", "state", "loss", "digits", "epochs", "multiplications", *names]
    failures = [[str(each.trial), each.reason] for each in outcomes if each.reason]
    tables = [Table(header, [_row(each, names) for each in _by_loss(outcomes)])]
    if failures:
        tables.append(Table(("trial", "why it failed"), failures))
    return Section(
        "Trials",
        f"The best first. {TRIALS} has them all, in the order in which they began.",
        tables,
    )


def _by_loss(outcomes: Sequence[Outcome]) -> list[Outcome]:
    states = ("finished", "given up", "running", "waiting", "failed")
    return sorted(
        outcomes, key=lambda each: (states.index(each.state), each.validation_loss or 0.0)
    )


def _row(each: Outcome, names: Sequence[str]) -> list[str]:
    def told(value: float | None, form: str = "g") -> str:
        return "" if value is None else f"{value:{form}}"

    return [
        str(each.trial),
        each.state,
        told(each.validation_loss, ".5f"),
        _percent(each.digit_accuracy),
        str(each.epochs),
        told(each.multiplications, ",d"),
        *(told(each.values.get(name)) for name in names),
    ]


def _percent(part: float | None) -> str:
    return "" if part is None else f"{part:.2%}"
