"""The model card, made from the sidecar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DIGITS = 10
BLIND = "a letter or a blot gets the digit it resembles most"
REJECTING = "a mark that is no digit has a class of its own"

CARD = """\
# {name}

A network that reads one handwritten digit: {shape} int8 model image in, {classes} int8 logits out
({labels}), full-integer TFLite, {bytes:,} bytes. Made by digitcam {digitcam}.

## How it was made
Architecture `{architecture}`, seed {seed}, trained for {epochs} epochs on distorted digits of
MNIST's training set and rendered scenes, through the preprocessing that the device runs
(`{preprocessing}`).
Quantized with TensorFlow {tensorflow} on {samples} calibration images (seed {calibration_seed}).
Every setting, library version and data digest is in `{name}.json`.

## Figures
| what | value |
| --- | --- |
| MNIST test set, float | {accuracy_float:.2%} |
| MNIST test set, int8, tflite-runtime {tflite_runtime} | {accuracy_int8:.2%} |
| golden images, tflite-runtime {tflite_runtime} against ai-edge-litert {litert} | \
{golden_images:,} images, logits within {golden_max_step} step |
| size | {bytes:,} bytes |
| temperature of the softmax | {temperature:.3f} |

## Limits
- It sees one mark at a time and knows the digits 0 to 9; {others}.
- Trained on MNIST's writers; how well it reads others is not measured here.
- It fits the preprocessing named above and no other; digitcam refuses it beside another.

## Check it
    digitcam-convert --check {name}

in this folder repeats every figure above but the float one. sha256 of `{name}.tflite`:

    {sha256}
"""


def build_card(name: str, sidecar: Mapping[str, Any]) -> str:
    """Describe a bundle for a reader.

    Args:
        name: Of the bundle, without folder and suffix.
        sidecar: As ``build_sidecar`` makes it.

    """
    training, figures = sidecar["training"], sidecar["figures"]
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
        epochs=training["metrics"].get("epochs", "unknown"),
        preprocessing=sidecar["preprocessing"],
        tensorflow=versions["tensorflow"],
        samples=calibration["samples"],
        calibration_seed=calibration["seed"],
        accuracy_float=figures["mnist_test_accuracy_float"],
        accuracy_int8=figures["mnist_test_accuracy_int8"],
        tflite_runtime=versions["tflite-runtime"],
        litert=versions["ai-edge-litert"],
        golden_images=figures["golden_images"],
        golden_max_step=figures["golden_max_step"],
        temperature=sidecar["temperature"],
        others=REJECTING if len(sidecar["classes"]) > DIGITS else BLIND,
        sha256=sidecar["sha256"],
    )
