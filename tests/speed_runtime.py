"""A network whose answers can be told from the video by eye."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from speediness.engines.runtime import Floats, Indices, Outputs, Pixels, Runtime

CELL_PX = 4


def mean_speed_runtime(n_bins: int, margin: int = 3) -> Runtime:
    """Displacement is the mean grey level of a cell; the answer of a window is its mean displacement.

    Args:
        n_bins: of a window.
        margin: bins at either end that have no features and maps.
    """

    def measure(before: Pixels, after: Pixels) -> Floats:
        grey = after[..., 0].astype(np.float32)
        n, height, width = grey.shape
        cells = grey.reshape(n, height // CELL_PX, CELL_PX, width // CELL_PX, CELL_PX).mean((2, 4))
        return np.stack([cells, 0 * cells, cells, np.ones_like(cells)], 1)

    def classify(
        motion_BL4hw: Floats, scene_NKhw: Floats | None = None, scene_BL: Indices | None = None
    ) -> Outputs:
        count = min(n_bins, motion_BL4hw.shape[1])
        mean_BW = sliding_window_view(motion_BL4hw[:, :, 2].mean((2, 3)), count, 1).mean(2)
        inner = motion_BL4hw[:, margin : motion_BL4hw.shape[1] - margin, 2]
        return Outputs(np.stack([mean_BW, 0 * mean_BW], -1), inner.mean((2, 3))[..., None], inner)

    return Runtime(measure, classify)
