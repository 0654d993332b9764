"""Debians for the tests that need one; what is downloaded stays in the user's cache for a month."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "digitcam"
MONTH = f"{datetime.now(UTC):%Y%m}"
"""For the names of what is kept: next month's are new."""


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """Return the file or folder of this name in the cache, made if it is not there.

    Args:
        name: Tells all that it depends on.
        make: Makes it at the path that it is given, in a folder of its own, which is removed.
    """
    ready = CACHE / name
    if ready.exists():
        return ready
    CACHE.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="new-", dir=CACHE, ignore_cleanup_errors=True) as folder:
        made = Path(folder, "made")
        make(made)
        made.rename(ready)
    return ready


def debootstrap(release: str, root: Path, *options: str) -> None:
    """Make a small Debian at ``root``, or skip where no package archive is in reach."""
    done = subprocess.run(
        ["debootstrap", "--variant=minbase", *options, release, root, *_mirror()],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"debootstrap: expected a package archive: {done.stdout[-500:]}")


def _mirror() -> list[str]:
    """Return the archive that this machine itself uses, if it is one of Debian."""
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Component: main"],
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.split()[:1]
