"""The allocator: what a frame frees is kept for the next."""

from __future__ import annotations

from functools import cache

import numpy as np


@cache
def keep_freed_memory() -> None:
    """Have glibc keep what is freed; a frame's fresh pages cost a tenth of its time, or more.

    Freeing a large mapping raises the thresholds for mapping and trimming for good: mallopt(3),
    M_MMAP_THRESHOLD. The memory is never touched, and other allocators take no notice.
    """
    np.empty(16 << 20, np.uint8)
