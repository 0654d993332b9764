"""A plugin of pytest that lets the real picamera2 open libcamera's virtual camera.

The library is as it was released. What a Pi has and this machine does not is made up for here:
modules that are imported and never called, dma-buf heaps, and where libcamera 0.4's virtual camera
is no camera of a Pi: it has neither raw stream nor exposure time, and wants two planes a frame.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

for name in ("pykms", "pidng", "pidng.camdefs", "pidng.core"):
    sys.modules[name] = MagicMock(spec=ModuleType, PixelFormat=MagicMock())
    sys.modules[name].Picamera2Camera = sys.modules[name].PICAM2DNG = object  # type: ignore[attr-defined]

import libcamera  # noqa: E402
from picamera2 import dma_heap  # noqa: E402
from picamera2.allocators import dmaallocator  # noqa: E402

FRAME_S = 1 / 30

Camera: Any = libcamera.Camera
Buffer: Any = libcamera.FrameBuffer
_generate, _queue, _stop = Camera.generate_configuration, Camera.queue_request, Camera.stop
_waiting: queue.SimpleQueue[tuple[Any, Any]] = queue.SimpleQueue()
_exposing = threading.Lock()


@contextlib.contextmanager
def covered() -> Iterator[None]:
    """Have the camera give no frames in the block."""
    with _exposing:
        yield


def generate_configuration(camera: Any, roles: list[Any]) -> Any:
    """Offer what there is for a raw stream, as libcamera does for a USB camera."""
    offered = _generate(camera, roles)
    return offered or _generate(camera, [libcamera.StreamRole.Viewfinder for _ in roles])


def frame_buffer(planes: list[Any]) -> Any:
    """Return NV12's two planes of the one that picamera2 allocates."""
    (luma,) = planes
    chroma, size = Buffer.Plane(), luma.length * 2 // 3
    chroma.fd, chroma.offset, chroma.length = luma.fd, size, luma.length - size
    luma.length = size
    return Buffer([luma, chroma])


def expose() -> None:
    """Give a frame every FRAME_S; the virtual camera has them before they are asked for."""
    while True:
        time.sleep(FRAME_S)
        with _exposing, contextlib.suppress(queue.Empty, RuntimeError):  # none, or just stopped
            _queue(*_waiting.get_nowait())


def stop(camera: Any) -> None:
    """Stop, with what waits to be exposed."""
    with contextlib.suppress(queue.Empty):
        while True:
            _waiting.get_nowait()
    _stop(camera)


class MemoryHeap:
    """Gives memory instead of dma-buf, which this kernel may not have."""

    def alloc(self, name: str, size: int) -> Any:
        """Return a file of this size."""
        fd = os.memfd_create(name)
        os.ftruncate(fd, size)
        return dma_heap.UniqueFD(fd)

    def close(self) -> None:
        """Do nothing: it holds nothing."""


Camera.generate_configuration = generate_configuration
Camera.queue_request = lambda camera, request: _waiting.put((camera, request))
Camera.stop = stop
frame_buffer.Plane = Buffer.Plane  # type: ignore[attr-defined]
libcamera.FrameBuffer = frame_buffer
# It leaves the status of a frame as the memory was, by chance an error.
libcamera.FrameMetadata.status = libcamera.FrameMetadata.Status.Success
if not any(map(os.path.exists, dma_heap.heapNames)):
    dmaallocator.DmaHeap = MemoryHeap
    dmaallocator.fcntl = SimpleNamespace(ioctl=lambda *_: 0)  # only syncs caches
threading.Thread(target=expose, daemon=True).start()
