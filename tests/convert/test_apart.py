"""Work in a process of its own, and its chatter."""

import operator
import os
import sys

import pytest

from digitcam.convert.apart import apart
from digitcam.convert.errors import DiedError
from digitcam.convert.quiet import quiet


def test_an_answer_comes_back() -> None:
    """What the function returns in its own process is returned here."""
    assert apart(os.getpid) != os.getpid()
    assert apart(operator.mul, 6, 7) == 42


def test_an_exception_comes_back() -> None:
    """What the function raises in its own process is raised here."""
    with pytest.raises(ZeroDivisionError):
        apart(operator.truediv, 1, 0)


def test_a_death_is_told() -> None:
    """A process that ends without an answer is an error with its status, not a hang."""
    with pytest.raises(DiedError, match="status -6"):
        apart(os.abort)


def test_chatter_is_swallowed(capfd: pytest.CaptureFixture[str]) -> None:
    """Neither Python's nor C++'s output gets past, and ours afterwards does."""
    with quiet():
        sys.stdout.write("python")
        os.write(1, b"native")
        os.write(2, b"native")
    sys.stderr.write("ours\n")
    assert capfd.readouterr() == ("", "ours\n")


def test_chatter_explains_a_failure() -> None:
    """An exception takes what the libraries wrote along as a note."""

    def fail() -> None:
        with quiet():
            os.write(2, b"the real reason")
            raise KeyError

    with pytest.raises(KeyError) as caught:
        fail()
    assert "the real reason" in caught.value.__notes__[0]
