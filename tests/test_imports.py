"""What imports what, and whether the packages that are installed are those on disk."""

import ast
import configparser
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("edge", "train", "convert")
FOREIGN = ("tensorflow", "keras", "picamera2", "libcamera", "tflite_runtime", "ai_edge_litert")
FORBIDDEN = {"edge": {"train", "convert"}, "train": {"convert"}, "convert": set[str]()}
"""Rooms that each folder may not import from."""


def sources(*folders: str) -> list[Path]:
    """Return the Python files in these folders of the repository."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def dotted(path: Path) -> str:
    """Return the name that a file below the root is imported by."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return f"digitcam.{name}".removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Yield the absolute name of everything that a file imports, at whatever depth."""
    package = dotted(path).split(".")
    if path.name != "__init__.py":
        package.pop()
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def named(path: Path) -> Iterator[str]:
    """Yield the module names without a leading dot, as they stand in the import statements."""
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def test_the_runtime_imports_nothing_heavy() -> None:
    """Every module of digitcam.edge loads without a training library, camera or TFLite runtime."""
    modules = [dotted(path) for path in sources("edge")]
    assert "digitcam.edge.cli.predict" in modules
    check = (
        "import importlib, sys\n"
        f"for name in {modules}: importlib.import_module(name)\n"
        f"print(*sorted(set({FOREIGN}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_point_one_way(folder: str) -> None:
    """The runtime imports neither training nor conversion, and training no conversion."""
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources(folder)
        for name in imported(path)
        if any(f"{name}.".startswith(f"digitcam.{other}.") for other in FORBIDDEN[folder])
    ]
    assert found == []


def test_no_folder_is_imported_by_its_bare_name() -> None:
    """`import edge` works in the repository only, so nothing says it."""
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources(*FOLDERS, "tests", "benchmarks", "docs")
        for name in named(path)
        if name.split(".")[0] in FOLDERS
    ]
    assert found == []


def test_setup_cfg_lists_the_packages_on_disk() -> None:
    """A folder of modules that `packages` lacks would be missing from the wheel."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = config["options"]["packages"].split()
    on_disk = {dotted(path) for path in sources(*FOLDERS) if path.name == "__init__.py"}
    assert sorted(listed) == sorted(on_disk)
    assert {dotted(path).rpartition(".")[0] for path in sources(*FOLDERS)} <= {
        *on_disk,
        "digitcam",
    }


def test_setup_cfg_maps_the_packages_to_their_folders() -> None:
    """Each package, or the one it is in, leads to the folder that its name ends with."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    pairs = config["options"]["package_dir"].strip().splitlines()
    folders = dict(pair.replace(" ", "").split("=") for pair in pairs)
    assert folders == {f"digitcam.{folder}": folder for folder in FOLDERS}


def test_the_version_is_the_one_that_is_installed() -> None:
    """The metadata that `--version` prints is setup.cfg's."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    assert metadata.version("digitcam") == config["metadata"]["version"]
