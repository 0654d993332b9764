"""`digitcam.edge`: its public names, imported when they are asked for."""

import importlib

import pytest

import digitcam.edge


def test_every_public_name_is_there() -> None:
    """Each name that the package lists is the one of the module that defines it."""
    for name in digitcam.edge.__all__:
        found = getattr(digitcam.edge, name)
        assert found is getattr(importlib.import_module(found.__module__), name)


def test_an_unknown_name() -> None:
    """A name that is not there is the usual error."""
    with pytest.raises(
        AttributeError, match="module 'digitcam.edge' has no attribute 'Recogniser'"
    ):
        digitcam.edge.Recogniser  # noqa: B018
