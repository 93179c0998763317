"""A network whose answers can be told from the video by eye."""

from __future__ import annotations

import numpy as np

from speediness.engines.runtime import Floats, Outputs, Pixels, Runtime


def mean_speed_runtime(n_frames: int, context: int | None = None) -> Runtime:
    """Displacement is the mean grey level of a cell; the log-odds of a window are its mean displacement.

    Args:
        n_frames: of a window.
        context: see :class:`speediness.engines.runtime.Runtime`.
    """

    def motion(before: Pixels, after: Pixels) -> Floats:
        grey = after[..., 0].astype(np.float32)
        n, height, width = grey.shape
        flow_grid = grey.reshape(n, height // 8, 8, width // 8, 8).mean((2, 4))
        return np.stack([flow_grid, 0 * flow_grid, flow_grid, np.ones_like(flow_grid)], 1)

    def windows(clips: Pixels | None, flow_grid: Floats, intervals: Floats) -> Outputs:
        per_pair = flow_grid[:, :, 2].mean((2, 3))
        mean = np.stack([np.convolve(row, np.ones(n_frames - 1), "valid") for row in per_pair]) / (
            n_frames - 1
        )
        flow = np.stack([mean, np.full_like(mean, 100)], -1, dtype=np.float32)
        per_frame = np.concatenate([flow_grid[:, :, 2], flow_grid[:, -1:, 2]], 1)
        logits = np.stack([-mean / 2, mean / 2], -1, dtype=np.float32)
        return Outputs(logits, flow, per_frame.mean((2, 3))[..., None], -per_frame)

    return Runtime(motion, windows, uses_frames=False, context=context)
