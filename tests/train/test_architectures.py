"""The networks are the size that is said of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from digitcam.train.architectures import ARCHITECTURES, build_model
from digitcam.train.errors import RunError

PARAMETERS = {"flagship": 88_708, "tiny": 13_372}
MULTIPLICATIONS = {"flagship": 1_417_824, "tiny": 408_384}
"""A digit; the network's time on the device goes with it."""


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_model_maps_images_to_logits(keras_call: Callable[..., Any], name: str) -> None:
    """A model takes (N, 28, 28, 1) and gives (N, 1, 1, 12) logits, not probabilities."""
    model = keras_call("architecture", name).value
    assert model["input"] == [None, 28, 28, 1]
    assert model["output"] == [None, 1, 1, 12]
    logits = np.array(model["logits"])
    assert logits.shape == (5, 1, 1, 12)
    assert logits.min() < 0


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_size_is_what_is_said(keras_call: Callable[..., Any], name: str) -> None:
    """Parameters and multiplications are exactly those noted here."""
    model = keras_call("architecture", name).value
    assert model["parameters"] == PARAMETERS[name]
    assert model["multiplications"] == MULTIPLICATIONS[name]


def test_unknown_name_is_refused() -> None:
    """A name that no network has gets those that there are."""
    with pytest.raises(RunError, match="'resnet' is unknown; known are .*flagship"):
        build_model("resnet", 12)
