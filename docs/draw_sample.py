"""Draw the sample note, docs/sample.png, and what is written on it, docs/sample.txt.

python docs/draw_sample.py
edge-predict docs/sample.png --annotate docs/reading.png
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from digitcam.train.photograph import Look
from digitcam.train.scene import render_rows

ROWS = ["31415926", "2718", "1618033", "0577"]
LOOK = Look(
    paper_bgr=(196.0, 207.0, 212.0),
    ink_bgr=(110.0, 60.0, 45.0),
    ruling="lines",
    ruling_pitch_px=40,
    light_falloff=0.35,
    shadow_depth=0.3,
    noise_sigma=1.0,
)


def main() -> None:
    """Write both files beside this one."""
    here = Path(__file__).parent
    scene = render_rows(ROWS, np.random.default_rng(7), size=(420, 640), height_px=44, look=LOOK)
    smallest = [cv2.IMWRITE_PNG_COMPRESSION, 9]
    cv2.imwrite(str(here / "sample.png"), scene.image, smallest)
    (here / "sample.txt").write_text("\n".join(ROWS) + "\n")


if __name__ == "__main__":
    main()
