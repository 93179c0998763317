"""Masks at the size of the frame, and shares of labels on the cells of features."""

# H W frame size, h w cells, L labels

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]
"""(H, W), 0 background, 1.. objects."""
Shares = NDArray[np.float32]
"""(h, w, L), 0..1: how much of a cell each label has."""

FINE = 8  # points along the side of a cell at which a mask is looked up


def to_cells(mask_HW: Labels, cells: tuple[int, int], labels: int) -> Shares:
    """The share that each label has of every cell of a grid over the frame.

    Args:
        mask_HW: numbers below ``labels``.
        cells: rows and columns of the grid.
        labels: L, background included.
    """
    rows, columns = (
        ((np.arange(FINE * count) + 0.5) * side / (FINE * count)).astype(int)
        for side, count in zip(mask_HW.shape, cells, strict=True)
    )
    fine = mask_HW[rows[:, None], columns].reshape(cells[0], FINE, cells[1], FINE)
    return np.stack([(fine == n).mean((1, 3), dtype=np.float32) for n in range(labels)], -1)


def to_mask(shares_hwL: Shares, height: int, width: int) -> Labels:
    """The likeliest label of every pixel; between the middles of cells shares change linearly."""
    best: Shares | None = None
    mask_HW = np.zeros((height, width), np.uint8)
    for label in range(shares_hwL.shape[-1]):
        share_HW = _stretched(_stretched(shares_hwL[..., label], height).T, width).T
        if best is None:
            best = share_HW
        else:
            mask_HW[share_HW > best] = label
            best = np.maximum(best, share_HW)
    return mask_HW


def _stretched(values: Shares, length: int) -> Shares:
    """The first axis brought to a length."""
    places = np.clip((np.arange(length) + 0.5) * len(values) / length - 0.5, 0, len(values) - 1)
    below = places.astype(int)
    above = np.minimum(below + 1, len(values) - 1)
    share = (places - below).astype(np.float32)[:, None]
    return (values[below] * (1 - share) + values[above] * share).astype(np.float32, copy=False)
