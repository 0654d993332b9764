"""The networks are the size that is said of them."""

from types import ModuleType

import numpy as np
import pytest

from digitcam.train.architectures import ARCHITECTURES, build_model
from digitcam.train.errors import RunError

PARAMETERS = {"flagship": 73_498}
MULTIPLICATIONS = {"flagship": 1_000_832}
"""A digit; the network's time on the device goes with it."""


def multiplications(keras: ModuleType, name: str) -> int:
    total = 0
    for layer in build_model(name).layers:
        if isinstance(layer, keras.layers.Conv2D):
            _, rows, columns, _ = layer.output.shape
            total += rows * columns * int(np.prod(layer.kernel.shape))
        else:  # Dense or depthwise layers would have to be counted too.
            assert isinstance(
                layer,
                keras.layers.InputLayer | keras.layers.BatchNormalization | keras.layers.ReLU,
            )
    return total


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_model_maps_images_to_logits(keras: ModuleType, name: str) -> None:
    """A model takes (N, 28, 28, 1) and gives (N, 1, 1, 10) logits, not probabilities."""
    model = build_model(name)
    assert model.input_shape == (None, 28, 28, 1)
    assert model.output_shape == (None, 1, 1, 10)
    logits = np.asarray(model(np.random.default_rng(0).random((5, 28, 28, 1), np.float32)))
    assert logits.shape == (5, 1, 1, 10)
    assert logits.min() < 0


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_size_is_what_is_said(keras: ModuleType, name: str) -> None:
    """Parameters and multiplications are exactly those noted here."""
    assert build_model(name).count_params() == PARAMETERS[name]
    assert multiplications(keras, name) == MULTIPLICATIONS[name]


def test_unknown_name_is_refused() -> None:
    """A name that no network has gets those that there are."""
    with pytest.raises(RunError, match="'resnet' is unknown; known are .*flagship"):
        build_model("resnet")
