"""Surfaces without parts: stone, wood, cloth, leather, hair, foil, skin."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .noise import Plane, clouds, enlarged, grain, unit

Shape = tuple[int, int]
Rng = np.random.Generator


def axes(shape: Shape, rng: Rng, turn: float = np.pi, bend: float = 0.0) -> tuple[Plane, Plane]:
    """Return two turned axes, px: each (H, W) float32, bent by so many px."""
    y, x = np.meshgrid(
        np.arange(shape[0], dtype=np.float32), np.arange(shape[1], dtype=np.float32), indexing="ij"
    )
    angle = rng.uniform(-turn, turn)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along, across = x * cos + y * sin, y * cos - x * sin
    if bend:
        along += np.float32(bend) * (clouds(shape, rng, 3, 2) - np.float32(0.5))
        across += np.float32(bend) * (clouds(shape, rng, 3, 2) - np.float32(0.5))
    return along, across


def smooth(plane: Plane, sigma_px: float) -> Plane:
    """Return a plane blurred by a Gaussian."""
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma_px), np.float32)


def cells(shape: Shape, rng: Rng, pitch_px: float) -> tuple[Plane, Plane]:
    """Scatter points; return how near the nearest is (0-1) and a random level of its cell (0-1)."""
    count = max(int(shape[0] * shape[1] / pitch_px**2), 2)
    seeds = np.full(shape, 255, np.uint8)
    seeds[rng.integers(0, shape[0], count), rng.integers(0, shape[1], count)] = 0
    far, label = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    levels = rng.random(int(label.max()) + 1, np.float32)
    return unit(np.asarray(far, np.float32)), levels[label]


def _plaster(shape: Shape, rng: Rng) -> Plane:
    return clouds(shape, rng, rng.uniform(2, 9), 6, rng.uniform(0.5, 0.9))


def _noise(shape: Shape, rng: Rng) -> Plane:
    return np.float32(0.5) + np.float32(0.2) * grain(shape, rng, rng.uniform(1, 5))


def _sand(shape: Shape, rng: Rng) -> Plane:
    fine = grain(shape, rng, rng.uniform(1, 2.5))
    return np.float32(0.5) + np.float32(0.12) * fine + 0.4 * (clouds(shape, rng, 3, 3) - 0.5)


def _terrazzo(shape: Shape, rng: Rng) -> Plane:
    chips, level = cells(shape, rng, rng.uniform(5, 16))
    spots = clouds(shape, rng, rng.uniform(20, 60), 1) > rng.uniform(0.55, 0.7)
    return smooth(np.where(spots, level, np.float32(0.5)) + np.float32(0.1) * chips, 0.6)


def _marble(shape: Shape, rng: Rng) -> Plane:
    along, _ = axes(shape, rng, bend=rng.uniform(40, 160))
    vein = np.abs(np.sin(along / np.float32(rng.uniform(15, 50))))
    return unit(vein ** np.float32(rng.uniform(0.2, 0.6)) + 0.4 * _plaster(shape, rng))


def _streaks(shape: Shape, rng: Rng) -> Plane:
    """Noise drawn out along a direction: brushed metal, raw wood, bast."""
    small = shape[0] // int(rng.integers(1, 4)) + 1, max(shape[1] // int(rng.integers(15, 70)), 3)
    if rng.random() < 0.5:
        small = max(shape[0] // int(rng.integers(15, 70)), 3), shape[1]
    return unit(enlarged(grain(small, rng), shape, cv2.INTER_CUBIC))


def _wood(shape: Shape, rng: Rng) -> Plane:
    along, across = axes(shape, rng, 0.15, bend=rng.uniform(5, 60))
    if rng.random() < 0.4:
        along, across = across, along
    drawn = np.sin(across / np.float32(rng.uniform(2.5, 14)) + np.float32(1.5) * np.sin(along / 90))
    fibres = _streaks(shape, rng)
    return unit(drawn * np.float32(rng.uniform(0.05, 0.5)) + 1.3 * fibres + _plaster(shape, rng))


def _weave(shape: Shape, rng: Rng) -> Plane:
    along, across = axes(shape, rng, bend=rng.uniform(0, 12))
    pitch = np.float32(rng.uniform(2.2, 9) / np.pi)
    u, v = along / pitch, across / pitch
    threads = np.maximum(np.sin(u) * np.cos(v * 0.5) ** 2, np.sin(v) * np.sin(u * 0.5) ** 2)
    return unit(threads + np.float32(0.25) * grain(shape, rng, 2))


def _twill(shape: Shape, rng: Rng) -> Plane:
    along, across = axes(shape, rng, bend=rng.uniform(0, 15))
    pitch = np.float32(rng.uniform(0.8, 3.5))
    ribs = np.sin((along + across) / pitch)
    return unit(ribs + np.float32(0.6) * grain(shape, rng, 1.5) + _plaster(shape, rng))


def _knit(shape: Shape, rng: Rng) -> Plane:
    along, across = axes(shape, rng, bend=rng.uniform(3, 20))
    pitch = np.float32(rng.uniform(1.5, 5))
    loops = np.abs(np.sin(along / pitch / 2))
    return unit(np.sin(across / pitch + 2.5 * loops) * np.sqrt(loops))


def _stripes(shape: Shape, rng: Rng) -> Plane:
    along, _ = axes(shape, rng, bend=rng.uniform(0, 10))
    period = np.float32(rng.uniform(3, 25))
    wave = np.sin(along / period) + np.float32(0.6) * np.sin(along / period * rng.uniform(0.2, 0.7))
    return unit(np.clip(wave * np.float32(rng.uniform(0.7, 5)), -1, 1))


def _checks(shape: Shape, rng: Rng) -> Plane:
    """A tablecloth's squares."""
    along, across = axes(shape, rng, 0.6, bend=rng.uniform(0, 12))
    period, hard = np.float32(rng.uniform(3, 18)), np.float32(rng.uniform(1, 6))
    first = np.clip(np.sin(along / period) * hard, -1, 1)
    second = np.clip(np.sin(across / period) * hard, -1, 1)
    return unit(first + second + np.float32(0.15) * grain(shape, rng, 1.5))


def _carpet(shape: Shape, rng: Rng) -> Plane:
    tufts, _ = cells(shape, rng, rng.uniform(2.5, 6))
    return unit(smooth(tufts, 0.5) + 0.5 * _plaster(shape, rng))


def _leather(shape: Shape, rng: Rng) -> Plane:
    near, level = cells(shape, rng, rng.uniform(4, 12))
    edges = np.abs(np.asarray(cv2.Laplacian(smooth(level, 0.7), cv2.CV_32F), np.float32))
    return unit(np.float32(0.6) * near - np.clip(edges, 0, 0.3) + 0.6 * _plaster(shape, rng))


def _crackle(shape: Shape, rng: Rng) -> Plane:
    """Dried earth, broken glaze."""
    _, level = cells(shape, rng, rng.uniform(10, 45))
    edges = np.asarray(cv2.morphologyEx(level, cv2.MORPH_GRADIENT, np.ones((2, 2))), np.float32)
    cracks = np.float32(1) - np.clip(edges * np.float32(9), 0, 1)
    return np.float32(0.7) * smooth(cracks, 0.5) + np.float32(0.3) * _plaster(shape, rng)


def _pebbles(shape: Shape, rng: Rng) -> Plane:
    near, level = cells(shape, rng, rng.uniform(8, 28))
    return unit(np.float32(0.8) * level - near + 0.2 * grain(shape, rng, 1.5))


def _fur(shape: Shape, rng: Rng) -> Plane:
    """Hairs: short noise streaks carried along a bent direction."""
    strands = _streaks(shape, rng)
    along, across = axes(shape, rng, bend=rng.uniform(20, 90))
    along += np.float32(shape[1] / 2) - np.float32(along.mean())
    across += np.float32(shape[0] / 2) - np.float32(across.mean())
    bent = cv2.remap(strands, along, across, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return unit(np.asarray(bent, np.float32) + 0.3 * _plaster(shape, rng))


def _foil(shape: Shape, rng: Rng) -> Plane:
    """Crumpled foil, film or paper."""
    folds = np.abs(clouds(shape, rng, rng.uniform(3, 9), 5, 0.6) - np.float32(0.5))
    slope = cv2.Sobel(folds, cv2.CV_32F, 1, 1 if rng.random() < 0.3 else 0, ksize=3)
    return unit(np.tanh(np.asarray(slope, np.float32) * np.float32(rng.uniform(4, 14))))


def _skin(shape: Shape, rng: Rng) -> Plane:
    """A hand or an arm close by: soft rounds with fine creases."""
    rounds = smooth(clouds(shape, rng, rng.uniform(1, 3), 2), 3)
    return unit(rounds + np.float32(0.05) * grain(shape, rng, 2) + 0.1 * _leather(shape, rng))


def _lights(shape: Shape, rng: Rng) -> Plane:
    """Lamps and reflexes out of focus."""
    plane = 0.3 * clouds(shape, rng, 2, 2)
    for _ in range(int(rng.integers(3, 25))):
        at = int(rng.integers(shape[1])), int(rng.integers(shape[0]))
        radius = int(rng.uniform(0.01, 0.1) * max(shape)) + 1
        cv2.circle(plane, at, radius, (float(rng.uniform(0.3, 1)),), -1, cv2.LINE_AA)
    return smooth(plane, rng.uniform(0.7, 4))


def _flat(shape: Shape, rng: Rng) -> Plane:
    """A painted table top, or a wall: next to nothing."""
    return (
        np.float32(0.5) + np.float32(0.04) * grain(shape, rng, 2) + 0.2 * clouds(shape, rng, 1, 2)
    )


SURFACES: dict[str, Callable[[Shape, Rng], Plane]] = {
    "plaster": _plaster,
    "noise": _noise,
    "sand": _sand,
    "terrazzo": _terrazzo,
    "marble": _marble,
    "streaks": _streaks,
    "wood": _wood,
    "weave": _weave,
    "twill": _twill,
    "knit": _knit,
    "stripes": _stripes,
    "checks": _checks,
    "carpet": _carpet,
    "leather": _leather,
    "crackle": _crackle,
    "pebbles": _pebbles,
    "fur": _fur,
    "foil": _foil,
    "skin": _skin,
    "lights": _lights,
    "flat": _flat,
}
