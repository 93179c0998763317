"""Drawn sequences whose masks are known exactly: textured shapes that move, turn, grow and cross."""

# H W frame size, T frames

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speediness.propagate.mask_files import Labels

HEIGHT_PX, WIDTH_PX, FRAMES = 240, 432, 30
NOISE = 3.0  # deviation of sensor noise, grey levels

Path = Callable[[float], tuple[float, float, float, float]]
"""Share of the sequence, 0..1, to column and row of the middle, size in pixels, and turn in radians."""


@dataclass(frozen=True)
class MaskedSequence:
    """Frames and the masks of all of them."""

    name: str
    frames: list[NDArray[np.uint8]]
    """(H, W, 3) RGB."""
    masks: list[Labels]


@dataclass(frozen=True)
class Shape:
    """A star with so many soft points, none is a disk, and how it moves."""

    points: int
    path: Path
    seed: int


ACTIONS: dict[str, list[Shape]] = {
    "across": [Shape(0, lambda s: (80 + 270 * s, 120 + 30 * np.sin(6 * s), 45, 0.0), 1)],
    "turn": [Shape(5, lambda s: (150 + 100 * s, 120.0, 40 + 35 * s, 2.5 * s), 2)],
    "cross": [
        Shape(3, lambda s: (90 + 250 * s, 105.0, 42, s), 3),
        Shape(4, lambda s: (340 - 250 * s, 140.0, 42, -s), 4),
    ],
    "small": [Shape(4, lambda s: (60 + 320 * s, 120 + 70 * np.sin(9 * s), 16, 3 * s), 5)],
}
"""Across, turned and enlarged, two that cross, and small and fast."""


def moving_shapes() -> list[MaskedSequence]:
    """A sequence of each of ACTIONS."""
    return [draw(name, shapes, seed) for seed, (name, shapes) in enumerate(ACTIONS.items(), 10)]


def draw(
    name: str, shapes: list[Shape], seed: int, shares_T: NDArray[np.float64] | None = None
) -> MaskedSequence:
    """Render shapes, the last on top, before a background that drifts.

    The seed is of background and noise; ``shares_T`` says where in the sequence its frames are, 0..1;
    None: evenly, FRAMES of them.
    """
    rng = np.random.default_rng(seed)
    ground, textures = texture(seed), [texture(shape.seed) for shape in shapes]
    rows, columns = np.mgrid[:HEIGHT_PX, :WIDTH_PX].astype(np.float64)
    frames, masks = [], []
    for share in np.linspace(0, 1, FRAMES) if shares_T is None else shares_T:
        image = _looked_up(ground, rows + 12 * share, columns + 20 * share)
        labels_HW = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
        for label, (shape, pattern) in enumerate(zip(shapes, textures, strict=True), 1):
            column, row, size, turn = shape.path(share)
            across, down = (columns - column) / size, (rows - row) / size
            own_x = np.cos(turn) * across + np.sin(turn) * down
            own_y = np.cos(turn) * down - np.sin(turn) * across
            edge = 1 - 0.3 * (0.5 - 0.5 * np.cos(shape.points * np.arctan2(own_y, own_x)))
            inside = np.hypot(own_x, own_y) < edge
            image[inside] = _looked_up(pattern, 100 + 60 * own_y[inside], 200 + 60 * own_x[inside])
            labels_HW[inside] = label
        noisy = image + NOISE * rng.standard_normal(image.shape)
        frames.append(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
        masks.append(labels_HW)
    return MaskedSequence(name, frames, masks)


def texture(seed: int) -> NDArray[np.float64]:
    """Smooth coloured noise (H, W, 3) around a mean colour of its own, which repeats at its edges."""
    rng = np.random.default_rng(seed)
    across, down = np.fft.rfftfreq(WIDTH_PX), np.fft.fftfreq(HEIGHT_PX)[:, None]
    blur = np.exp(-2 * (np.pi * 6) ** 2 * (across**2 + down**2))
    grain = np.fft.rfft2(rng.normal(size=(3, HEIGHT_PX, WIDTH_PX))) * blur
    waves = np.fft.irfft2(grain, (HEIGHT_PX, WIDTH_PX)).transpose(1, 2, 0)
    return rng.uniform(90, 166, 3) + 30 * waves / waves.std()


def _looked_up(
    pattern: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The pattern at places between its pixels, linearly."""
    height, width = pattern.shape[:2]
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    down, across = (rows - top)[..., None], (columns - left)[..., None]
    above, below = top % height, (top + 1) % height
    left, right = left % width, (left + 1) % width
    upper = pattern[above, left] * (1 - across) + pattern[above, right] * across
    lower = pattern[below, left] * (1 - across) + pattern[below, right] * across
    return upper * (1 - down) + lower * down
