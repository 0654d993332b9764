"""The model card, made from the sidecar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from digitcam.edge.bundle import REJECT_CLASS, SEVERAL_CLASS

BLIND = "a letter or a blot gets the digit it resembles most"
REJECTING = (
    f"what is no digit has a class of its own, `{REJECT_CLASS}`, and digits that touch have "
    f"`{SEVERAL_CLASS}`"
)

ANSWERS = """\
| held-back digits answered at this confidence, float | {coverage:.2%} |
| wrong among the answers to all held-back marks, float | {error:.2%} |
"""

OWN = """\
digits of
MNIST's training set and of {hands}, {paper}and marks of rendered pages{taught},
through the preprocessing that the device runs\
"""
HANDS = "every hand of the training data"
DRAWN = "a drawn hand"
TAUGHT = ", as networks that were trained before read them"
PUBLISHED = """\
the digits of
MNIST's training set as they are{turned}, not through the preprocessing that the device runs\
"""
TURNED = ", turned by up to {degrees:g} degrees"
AS_IT_IS = """\
| MNIST test set as it is, float | {accuracy:.2%} |
"""
OTHER_CROPS = """\
- A device crops and scales digits otherwise than MNIST does, which this network never saw.
"""

CARD = """\
# {name}

A network that reads one handwritten digit: {shape} int8 model image in, {classes} int8 logits out
({labels}), full-integer TFLite, {bytes:,} bytes. Made by digitcam {digitcam}.

## How it was made
Architecture `{architecture}`, seed {seed}, trained for {epochs} epochs{optimizer} on {learnt}
(`{preprocessing}`).
Quantized with TensorFlow {tensorflow} on {samples} calibration images (seed {calibration_seed}), \
{from_run} of them the run's own.
Every setting, library version and data digest is in `{name}.json`.

## Figures
| what | value |
| --- | --- |
{as_it_is}| MNIST test set{crops}, the likeliest of the ten digits, float | {accuracy_float:.2%} |
| the same, int8, tflite-runtime {tflite_runtime} | {accuracy_int8:.2%} |
| the same, int8, ai-edge-litert {litert} | {accuracy_litert:.2%} |
| how far int8 may be from float | {max_gap} points |
| golden images, tflite-runtime {tflite_runtime} against ai-edge-litert {litert} | \
{golden_images:,} images, logits within {golden_max_step} step{steps} |
| size | {bytes:,} bytes |
| temperature of the softmax | {temperature:.3f} |
| least confidence of an answer | {min_confidence:.2f} |
{answers}
## Limits
- It sees one mark at a time and knows the digits 0 to 9; {others}.
- How well it reads writers whose digits it was not trained on is not measured here.
- It fits the preprocessing named above and no other; digitcam refuses it beside another.
{other_crops}
## Check it
    digitcam-convert --check {name}

in this folder measures the figures of the int8 model again. sha256 of `{name}.tflite`:

    {sha256}
"""


def build_card(name: str, sidecar: Mapping[str, Any]) -> str:
    """Describe a bundle for a reader.

    Args:
        name: Of the bundle, without folder and suffix.
        sidecar: As ``build_sidecar`` makes it.

    """
    training, figures = sidecar["training"], sidecar["figures"]
    metrics = training["metrics"]
    published = "feed" in training and training["feed"] is None
    as_it_is = published and "test_accuracy" in metrics
    versions, calibration = sidecar["conversion"]["versions"], sidecar["conversion"]["calibration"]
    return CARD.format(
        name=name,
        shape=" x ".join(str(side) for side in sidecar["input"]["shape"]),
        classes=len(sidecar["classes"]),
        labels=" ".join(sidecar["classes"]),
        bytes=figures["bytes"],
        digitcam=versions["digitcam"],
        architecture=training.get("architecture", "unknown"),
        seed=training.get("seed", "unknown"),
        epochs=metrics.get("epochs", "unknown"),
        optimizer=f" with {training['optimizer']}" if "optimizer" in training else "",
        learnt=_published(training) if published else _own(training),
        preprocessing=sidecar["preprocessing"],
        tensorflow=versions["tensorflow"],
        samples=calibration["samples"],
        calibration_seed=calibration["seed"],
        from_run=calibration["from_run"],
        as_it_is=AS_IT_IS.format(accuracy=metrics["test_accuracy"]) if as_it_is else "",
        crops=" as the device crops it" if published else "",
        accuracy_float=figures["mnist_test_accuracy_float"],
        accuracy_int8=figures["mnist_test_accuracy_int8"],
        accuracy_litert=figures["mnist_test_accuracy_int8_litert"],
        max_gap=sidecar["conversion"]["max_gap_points"],
        tflite_runtime=versions["tflite-runtime"],
        litert=versions["ai-edge-litert"],
        golden_images=figures["golden_images"],
        golden_max_step=figures["golden_max_step"],
        steps="s" if figures["golden_max_step"] > 1 else "",
        temperature=sidecar["temperature"],
        min_confidence=sidecar["thresholds"]["min_confidence"],
        answers=ANSWERS.format(**metrics) if {"coverage", "error"} <= set(metrics) else "",
        others=REJECTING if REJECT_CLASS in sidecar["classes"] else BLIND,
        other_crops=OTHER_CROPS if published else "",
        sha256=sidecar["sha256"],
    )


def _own(training: Mapping[str, Any]) -> str:
    """Tell what a network of digitcam's own learnt from."""
    data = training["data"]
    paper = data.get("paper")
    return OWN.format(
        hands=HANDS if "hands_sha256" in data else DRAWN,
        paper=f"{paper:,} marks photographed on paper " if paper else "",
        taught=TAUGHT if training.get("teacher_sha256") else "",
    )


def _published(training: Mapping[str, Any]) -> str:
    """Tell what a network learnt from that is trained as it was published."""
    degrees = training.get("rotation_deg")
    return PUBLISHED.format(turned=TURNED.format(degrees=degrees) if degrees else "")
