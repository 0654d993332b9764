"""Heat lies where the feature is that a network was built to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitcam.train.saliency import PATCH_PX, Heat, occlusion

Call = Callable[..., Any]

FOR_PLACE, AGAINST_PLACE = (slice(4, 10), slice(5, 9)), (slice(16, 22), slice(18, 24))
"""Rows and columns of the ink that a classifier is for, and of what it is against."""


def two_blots() -> NDArray[np.uint8]:
    """An image with ink in both places."""
    image = np.zeros((28, 28), np.uint8)
    image[FOR_PLACE] = image[AGAINST_PLACE] = 255
    return image


def looks_at_places(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Class 0 is the likelier the more ink is in one place, and the less is in the other."""
    ink = images.astype(np.float32) / 255
    score = ink[:, *FOR_PLACE].mean(axis=(1, 2)) - ink[:, *AGAINST_PLACE].mean(axis=(1, 2))
    zero = 1 / (1 + np.exp(-6 * score))
    return np.stack([zero, 1 - zero], axis=1).astype(np.float32)


def share(heat: NDArray[np.float32], place: tuple[slice, slice], room: int) -> float:
    """Return the part of the heat that lies in a place, or so many pixels beside it."""
    rows, columns = (slice(max(each.start - room, 0), each.stop + room) for each in place)
    return float(heat[rows, columns].sum() / heat.sum())


@pytest.fixture
def heat() -> Heat:
    """Occlusion of the two blots for both classes."""
    images = np.stack([two_blots()] * 2)
    return occlusion(looks_at_places, images, np.array([0, 1]))


def test_occlusion_finds_what_is_looked_at(heat: Heat) -> None:
    """Ink that makes the class likelier is above 0, the other below, and the rest is nothing."""
    assert heat.shape == (2, 28, 28)
    assert np.abs(heat).max(axis=(1, 2)).tolist() == [1, 1]
    # A patch touches ink as far away as it is wide.
    assert share(heat[0].clip(0), FOR_PLACE, PATCH_PX) == pytest.approx(1)
    assert share((-heat[0]).clip(0), AGAINST_PLACE, PATCH_PX) == pytest.approx(1)
    # It covers most ink in the middle of a blot.
    assert heat[0][FOR_PLACE].mean() > 3 * heat[0].clip(0).mean()


def test_occlusion_of_the_other_class_is_the_reverse(heat: Heat) -> None:
    """With two classes, what speaks for one speaks against the other."""
    # The odds are rounded to float32.
    assert heat[0] == pytest.approx(-heat[1], abs=1e-4)


def test_occlusion_heeds_certainty_beyond_float32() -> None:
    """A class that is certain to the last digit of float32 still has what speaks for it."""

    def certain(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = looks_at_places(images)
        rare = 1e-12 * found[:, 1]
        return np.stack([1 - rare, rare], axis=1).astype(np.float32)

    image = two_blots()[None]
    assert (certain(image)[:, 0] == 1).all()
    found = occlusion(certain, image, np.array([0]))
    assert share(found[0].clip(0), FOR_PLACE, PATCH_PX) == pytest.approx(1)


def test_occlusion_of_a_blind_network_is_nothing() -> None:
    """Where no ink matters there is no heat, and nothing is divided by it."""

    def blind(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.full((len(images), 2), 0.5, np.float32)

    assert not occlusion(blind, two_blots()[None], np.array([1])).any()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_grad_cam_lies_on_the_bar_of_its_class(keras_call: Call, stride: int, padding: str) -> None:
    """Built to tell upright from lying bars, a network shown both looks at the one asked for."""
    answer = keras_call("grad_cam_of_bars", stride, padding)
    assert answer.failure is None
    upright, lying = (np.array(each) for each in answer.value["heat"])
    rows, columns = np.mgrid[:28, :28]
    for heat, (row, column) in zip((upright, lying), answer.value["middles"], strict=True):
        assert heat.max() == 1
        assert heat.min() == 0
        found = (heat * rows).sum() / heat.sum(), (heat * columns).sum() / heat.sum()
        # Allows half a pixel and half a cell, not a whole cell of the larger stride.
        assert found == pytest.approx((row, column), abs=0.5 + stride / 2)
    assert (upright * lying).sum() < 0.01 * (upright**2).sum()


def test_grad_cam_weighs_maps_by_gradients(keras_call: Call) -> None:
    """Where logits are sums of the maps, the sums of their weights are the gradients."""
    answer = keras_call("grad_cam_beside_kernels")
    assert answer.failure is None
    own, expected = (np.array(each) for each in answer.value)
    assert (expected.max(axis=(1, 2)) == 1).all()
    # Allows float32's rounding of 784 weights.
    assert own == pytest.approx(expected, abs=1e-4)


def test_grad_cam_needs_a_map(keras_call: Call) -> None:
    """A network without convolutions is refused with the reason."""
    answer = keras_call("grad_cam_of", "teresa2024-rnn")
    assert answer.failure == "ValueError: it has no convolution whose map has more than one cell"


@pytest.mark.parametrize(
    ("name", "cells", "first", "step", "view"),
    [
        ("flagship", 4, 7.0, 4.0, 33),
        ("wbsu2023", 9, 5.5, 2.0, 12),
        ("amity2021", 24, 2.0, 1.0, 5),
    ],
)
def test_cells_are_where_they_look(
    keras_call: Call, name: str, cells: int, first: float, step: float, view: int
) -> None:
    """The last map, the middle of its first cell, its step and its view, worked out by hand."""
    answer = keras_call("grad_cam_of", name)
    assert answer.failure is None
    assert answer.value == [cells, first, step, view]
