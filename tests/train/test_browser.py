"""The browser that the tests open pages in notices what is wrong with one."""

from pathlib import Path

import pytest

from .browser import open_page

# A picture of one pixel.
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEA"
    "G7buVgAAAABJRU5ErkJggg=="
)


def written(folder: Path, body: str) -> Path:
    """Write a page."""
    page = folder / "page.html"
    page.write_text(f'<!doctype html><meta charset="utf-8"><title>t</title><body>{body}</body>')
    return page


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def test_good_page_is_told(tmp_path: Path, empty: Path) -> None:
    """What scripts made of a page is in its text, pictures are counted, a screenshot is whole."""
    body = f'<p style="height: 2000px">1 &lt; <b>2</b></p><img src="{PIXEL}">'
    script = "<script>document.body.append('made')</script>"
    screenshot = tmp_path / "page.png"
    opened = open_page(written(tmp_path, body + script), empty, screenshot=screenshot)
    assert opened.text == "t 1 < 2 made"
    assert "probe" not in opened.dom
    assert opened.images == 1
    assert opened.height > 2000
    assert int.from_bytes(screenshot.read_bytes()[20:24], "big") == opened.height


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("<script>nothing()</script>", "nothing is not defined"),
        ("<script>console.error('so it is')</script>", "so it is"),
        ('<link rel="stylesheet" href="https://example.org/a.css">', "https://example.org/a.css"),
        ('<img src="https://example.org/a.png">', "https://example.org/a.png"),
        ('<img src="page.png" alt="a cat">', "a cat"),
        ('<img src="data:image/png;base64,AAAA" alt="a dog">', "a dog"),
    ],
)
def test_faults_fail(tmp_path: Path, empty: Path, body: str, named: str) -> None:
    """Errors of scripts, requests and pictures that are missing or damaged are faults."""
    (tmp_path / "page.png").touch()
    with pytest.raises(AssertionError, match="page.html: {") as failure:
        open_page(written(tmp_path, body), empty)
    assert named in str(failure.value)
