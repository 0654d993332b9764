"""Pictures of what a network looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..paper import CLASSES, REJECT
from ..saliency import PATCH_PX, Heat, Images, occlusion
from ..subject import Subject
from .diagrams import Colored, gray_images, heat_sheet, heated_images
from .page import Picture, Section
from .results import Result

SHOWN = 10
"""Errors that are explained unless digits are chosen."""
TEXT = (
    f"Red speaks for a class, blue against it. Occlusion covers {PATCH_PX} x {PATCH_PX} px at a "
    "time with paper and colours where the class becomes less probable, or more; what matters "
    "because it is empty it cannot show."
)
GRAD_CAM_TEXT = (
    "Grad-CAM colours where those maps of the last convolution are active that raise the class's "
    "logit; where nothing is coloured, none does."
)

Explain = Callable[[Images, NDArray[np.intp]], Heat]


def attention_section(
    subject: Subject, result: Result, chosen: Sequence[int] | None = None
) -> Section:
    """Show where the network found its answers.

    Args:
        subject: The network.
        result: What it read.
        chosen: Indices of the images; by default the worst errors and a right digit a class.
    """
    text = f"{TEXT} {GRAD_CAM_TEXT if subject.grad_cam else ''} {subject.grad_cam_about}"
    pictures = []
    if chosen is not None:
        pictures = [_picture(subject, result, chosen, "The chosen digits, true → read.")]
    else:
        if result.errors:
            worst = result.errors[:SHOWN]
            pictures.append(_picture(subject, result, worst, "The worst errors, true → read."))
        right = _one_right_a_class(result)
        if right:
            caption = "The first image of each class that was read right."
            pictures.append(_picture(subject, result, right, caption, only_read=True))
    title = f"{result.examination.title}: what it looks at"
    return Section(title, " ".join(text.split()), (), pictures)


def _one_right_a_class(result: Result) -> list[int]:
    right = result.read == result.examination.labels
    labels = result.examination.labels
    found = [np.flatnonzero(right & (labels == label)) for label in range(len(CLASSES))]
    return [int(own[0]) for own in found if len(own)]


def _picture(
    subject: Subject,
    result: Result,
    chosen: Sequence[int],
    caption: str,
    *,
    only_read: bool = False,
) -> Picture:
    indices = np.asarray(chosen)
    images, labels = result.examination.images[indices], result.examination.labels[indices]
    classes = {"read": result.read[indices], "true": labels.astype(np.intp)}
    known = [CLASSES.index(name) for name in subject.classes]
    if only_read or not np.isin(classes["true"], known).any():
        del classes["true"]
    rows = {"image": gray_images(images)}
    methods: dict[str, Explain] = {"occlusion": lambda *each: occlusion(probabilities, *each)}
    probabilities = subject.probabilities
    if subject.grad_cam:
        methods = {"Grad-CAM": subject.grad_cam} | methods
    for method, explain in methods.items():
        for which, columns in classes.items():
            name = method if only_read else f"{method}, {which}"
            rows[name] = _heated(explain, images, columns, np.isin(columns, known))
    titles = [_title(result, index) for index in chosen]
    return Picture(heat_sheet(rows, titles), caption)


def _heated(
    explain: Explain, images: Images, columns: NDArray[np.intp], known: NDArray[np.bool_]
) -> list[Colored]:
    """Colour the images; one whose class the network does not know stays as it is."""
    heat = explain(images, np.where(known, columns, 0))
    return heated_images(images, heat * known[:, None, None])


def _title(result: Result, index: int) -> str:
    true, read = result.examination.labels[index], result.read[index]
    names = [CLASSES[label] for label in (true, read)]
    arrow = "\n→ " if max(true, read) >= REJECT else " → "
    return names[0] if true == read else arrow.join(names)
