"""Whether the documents lead where they say, and their examples run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
EXAMPLE = re.compile(r"^```python\n(.+?)^```$", re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> set[str]:
    """Return what links to a document's headings end in, as GitHub makes it."""
    headings = HEADING.findall(document.read_text())
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def name(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_to_files(document: Path) -> None:
    """Every relative link of a document leads to a file or folder, and to a heading in it."""
    for link in LINK.findall(document.read_text()):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), f"{name(document)}: {link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{name(document)}: {link} has no such heading"


@pytest.mark.parametrize("document", ["README.md", "docs/api.md"])
def test_examples_run(
    document: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The Python in a document runs beside the sample picture, and prints what it reads."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    for example in EXAMPLE.findall((ROOT / document).read_text()):
        exec(compile(example, document, "exec"), {})
    first = (ROOT / "docs/sample.txt").read_text().split()[0]
    assert first in capsys.readouterr().out
