"""The card of a reader of strings: what a person wants to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from digitcam.edge.bundle import STRING_CLASSES
from digitcam.edge.reading.words import LAID_OUT_PX

CARD = """\
# {name}

A network that reads words whose digits touch: a 32 x W int8 image in, W / 4 steps of {classes} int8
logits out (blank and the digits), decoded by connectionist temporal classification; full-integer
TFLite, {bytes:,} bytes, laid out for W = {width} and resized by the runtime. Made by digitcam \
{digitcam}.

## How it was made
Trained for {epochs} epochs, seed {seed}, on numbers that {hands} hands write, on words found on
rendered pages, on numbers of {photographs} photographs, and on others put together from their parts
(`{preprocessing}`). Every setting, library version and data digest is in `{name}.json`.

## Figures
| what | value |
| --- | --- |
| {strings:,} numbers written with MNIST's test digits, read exactly, float | {exact_float:.2%} |
| the same, int8, tflite-runtime | {exact_int8:.2%} |
| the same, int8, ai-edge-litert | {exact_litert:.2%} |
| logits of the two runtimes, largest difference | {max_step} of at most {step_limit} steps |
| size | {bytes:,} bytes |
| temperature of the softmax | {temperature:.3f} |

## Limits
- It is given words that hold digits, and reads digits alone: letters between them are left out.
- It fits the preprocessing named above and no other; digitcam refuses it beside another.

## Check it
    digitcam-convert --check {name}

in this folder measures the figures of the int8 model again. sha256 of `{name}.tflite`:

    {sha256}
"""


def build_string_card(name: str, sidecar: Mapping[str, Any]) -> str:
    """Return the card's Markdown.

    Args:
        name: Of the bundle's files, without suffix.
        sidecar: What it is about.
    """
    training, figures = sidecar["training"], sidecar["figures"]
    return CARD.format(
        name=name,
        classes=len(STRING_CLASSES),
        width=LAID_OUT_PX,
        digitcam=sidecar["conversion"]["versions"]["digitcam"],
        epochs=training["metrics"]["epochs"],
        seed=training.get("seed"),
        photographs=training["data"].get("photographs") or "no",
        hands=training["data"]["hands"],
        preprocessing=sidecar["preprocessing"],
        temperature=sidecar["temperature"],
        sha256=sidecar["sha256"],
        **figures,
    )
