"""Opens a page in headless Chromium, with no network, and tells what is wrong with it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TIMEOUT_S = 60
MAX_HEIGHT_PX = 16_000
"""Chromium draws no higher window."""

PROBE = """
<script>
addEventListener("load", () => {
  const report = document.createElement("pre")
  report.id = "probe"
  report.hidden = true
  const images = [...document.images]
  report.textContent = JSON.stringify({
    images: images.length,
    broken: images.filter(image => !image.naturalWidth).map(image => image.alt || image.src),
    requests: performance.getEntriesByType("resource").map(entry => entry.name)
      .filter(name => !name.startsWith("data:")),
    width: document.documentElement.scrollWidth,
    height: document.documentElement.scrollHeight,
  })
  document.body.append(report)
})
</script>
"""
"""Appended to the page: says in its text what only a browser knows."""
REPORT = re.compile(r'<pre id="probe" hidden="">(.*?)</pre>', re.DOTALL)
CONSOLE = re.compile(r"INFO:CONSOLE[^\]]*\] (.*)")


@dataclass(frozen=True)
class Opened:
    """A page as the browser has it, without a fault."""

    dom: str
    """The document after its scripts ran."""
    text: str
    """What it says, without tags, white space run together."""
    images: int
    """Pictures on it, all of them drawn."""
    width: int
    """Of its content in px; more than the window's if it has to be scrolled sideways."""
    height: int
    """Of its content in px."""


def open_page(
    page: Path, folder: Path, *, width: int = 1200, screenshot: Path | None = None
) -> Opened:
    """Open a copy of a page that stands alone, or skip without a browser.

    Args:
        page: The HTML file.
        folder: An empty folder to open it in, so that files it needs beside it are missed.
        width: Of the window in px.
        screenshot: Where to save a PNG of the whole page.

    Returns:
        The page. It failed the test if there was a word on the console, such as an uncaught error,
        a request for anything, or a picture that cannot be drawn.
    """
    copy = folder / page.name
    copy.write_text(page.read_text(encoding="utf-8") + PROBE, encoding="utf-8")
    dom, talk = _run(copy, folder, width, 900, "--dump-dom")
    found = REPORT.search(dom)
    assert found, f"{page}: its load did not end: {talk}"
    report: dict[str, Any] = json.loads(html.unescape(found[1]))
    faults = {
        "console": CONSOLE.findall(talk),
        "requests": report["requests"],
        "broken pictures": report["broken"],
    }
    assert not any(faults.values()), f"{page}: {faults}"
    if screenshot:
        height = min(report["height"], MAX_HEIGHT_PX)
        _run(copy, folder, width, height, f"--screenshot={screenshot}", "--hide-scrollbars")
    dom = REPORT.sub("", dom.replace(PROBE.strip(), ""))
    return Opened(dom, _text(dom), report["images"], report["width"], report["height"])


def _run(page: Path, folder: Path, width: int, height: int, *more: str) -> tuple[str, str]:
    """Have the browser load a page; return what it prints and what it says beside."""
    names = [name for name in NAMES if shutil.which(name)]
    if not names:
        pytest.skip(f"needs a browser: {' or '.join(NAMES)}")
    done = subprocess.run(
        [
            *(names[0], "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--enable-logging=stderr",
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={width},{height}",
            *more,
            page.as_uri(),
        ],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def _text(dom: str) -> str:
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", dom, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
