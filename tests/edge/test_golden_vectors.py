"""Golden vectors: the drawn images, and the shipped logits on the runtimes that are here."""

import json
from pathlib import Path

import numpy as np
import pytest

from digitcam.edge.bundle import load_bundle
from digitcam.edge.classify import MODULES, Classifier
from digitcam.edge.errors import ModelError, RuntimeUnavailableError
from digitcam.edge.golden import golden_images, golden_of, images_digest
from digitcam.edge.reading.view import IMAGE_SHAPE, PADDING_PX
from digitcam.edge.settings import Runtime

SUMMED_STEPS = 3
"""Quantization steps by which runtimes may differ where maps are added."""
DRAWN = "sha256:a911e2cf90a6b9c3bbc63739065656594b5800bcf8a7bc59c33f3154cf60f7e1"
"""Of the images; bundles hold logits of these alone."""


def test_the_images_are_the_pinned_ones() -> None:
    """Every numpy on every processor draws the same bytes; a new drawing needs a new export."""
    assert images_digest() == DRAWN


def test_the_images_are_model_images() -> None:
    """Ten different pictures, white on black, of all grey levels, with black around."""
    images = golden_images()
    assert (images.shape, images.dtype) == ((10, *IMAGE_SHAPE), np.uint8)
    assert (images.max(axis=(1, 2)) == 255).all()
    assert len({image.tobytes() for image in images}) == len(images)
    around = np.ones(IMAGE_SHAPE, bool)
    around[PADDING_PX:-PADDING_PX, PADDING_PX:-PADDING_PX] = False
    assert not images[:, around].any()
    assert len(np.unique(images)) > 20


@pytest.mark.parametrize("name", ["digits", "digits-tiny"])
@pytest.mark.parametrize("runtime", sorted(MODULES))
def test_the_shipped_models_give_their_golden_logits(runtime: Runtime, name: str) -> None:
    """Allows a logit to be off by three quantization steps, for both networks add maps."""
    bundle = load_bundle(Path(name))
    try:
        classifier = Classifier(bundle, runtime)
    except RuntimeUnavailableError as error:
        pytest.skip(str(error))
    assert bundle.golden is not None
    assert bundle.golden.images == images_digest()
    assert bundle.golden.steps(classifier.logits(golden_images())) <= SUMMED_STEPS


def test_differences_are_counted_in_steps() -> None:
    """The largest difference counts, over the whole range of int8, and so does the answer."""
    logits = np.full((10, 11), -128, np.int8)
    logits[:, 3] = 100
    golden = golden_of(logits)
    assert golden.steps(logits) == 0
    other = logits.copy()
    other[4, 3] -= 3
    assert (golden.steps(other), golden.reads_alike(other)) == (3, True)
    other[9, 10] = 127
    assert (golden.steps(other), golden.reads_alike(other)) == (255, False)


def test_golden_vectors_survive_the_sidecar(bundle_copy: Path) -> None:
    """What export writes is what loading reads."""
    bundle = load_bundle(bundle_copy)
    logits = np.arange(-60, 60).astype(np.int8).reshape(10, 12)
    sidecar = {**bundle.sidecar, "golden": golden_of(logits).as_dict()}
    Path(f"{bundle_copy}.json").write_text(json.dumps(sidecar))
    assert load_bundle(bundle_copy).golden == golden_of(logits)


def test_a_bundle_without_golden_vectors_loads(bundle_copy: Path) -> None:
    """Older bundles have none, and are none the worse."""
    sidecar = dict(load_bundle(bundle_copy).sidecar)
    del sidecar["golden"]
    Path(f"{bundle_copy}.json").write_text(json.dumps(sidecar))
    assert load_bundle(bundle_copy).golden is None


ROW = "00" * 12


@pytest.mark.parametrize(
    "golden",
    [
        [],
        {"images": DRAWN},
        {"images": 7, "logits": [ROW] * 10},
        {"images": DRAWN, "logits": [ROW] * 9},
        {"images": DRAWN, "logits": [ROW[2:]] * 10},
        {"images": DRAWN, "logits": ["0x" + ROW[2:]] * 10},
        {"images": DRAWN, "logits": [*[ROW] * 9, 12]},
        {"images": DRAWN, "logits": 12},
    ],
)
def test_damaged_golden_vectors_are_refused(bundle_copy: Path, golden: object) -> None:
    """Loading checks all of the sidecar, so half of the vectors are not compared with."""
    sidecar = {**load_bundle(bundle_copy).sidecar, "golden": golden}
    Path(f"{bundle_copy}.json").write_text(json.dumps(sidecar))
    with pytest.raises(
        ModelError, match="golden must hold .* 10 times 12 int8 .* digitcam-convert"
    ):
        load_bundle(bundle_copy)
