"""Claims about textures and typefaces, by name."""

import numpy as np
import pytest

from digitcam.train.pages.print_ink import FACES, set_line
from digitcam.train.pages.texture import TEXTURES, random_texture


@pytest.mark.parametrize("name", TEXTURES)
def test_a_texture_is_a_picture_of_any_size(name):
    """Each texture fills frames of any size, is not flat, and is the same for equal seeds."""
    for shape in ((28, 28), (121, 90), (240, 640)):
        chosen, picture = random_texture(shape, np.random.default_rng(5), name=name)
        assert chosen == name
        assert picture.shape == (*shape, 3)
        assert picture.dtype == np.uint8
        assert picture.std() > 0
    assert np.array_equal(picture, random_texture(shape, np.random.default_rng(5), name=name)[1])


@pytest.mark.parametrize("name", [name for name in FACES if FACES[name]])
def test_a_typeface_sets_lines_of_a_height(name):
    """Capital letters are about as high as asked; allows a fifth and the strokes' thickness."""
    for height in (8, 20, 60):
        ink = set_line("HEI", height, name)
        assert ink.max() > 120
        assert 0.8 * height - 1 <= ink.shape[0] <= 1.45 * height + 2
