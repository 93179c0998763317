"""A network whose answers can be told from the film by eye."""

from __future__ import annotations

import numpy as np

from speediness.engines.judge import Answers, Floats, Judge, Pixels


def mean_speed_judge(n_frames: int, context: int | None = None) -> Judge:
    """Displacement is the mean grey level of a cell; the log-odds of a window are its mean displacement.

    Args:
        n_frames: of a window.
        context: see :class:`speediness.engines.judge.Judge`.
    """

    def motion(before: Pixels, after: Pixels) -> Floats:
        grey = after[..., 0].astype(np.float32)
        n, height, width = grey.shape
        cells = grey.reshape(n, height // 8, 8, width // 8, 8).mean((2, 4))
        return np.stack([cells, 0 * cells, cells, np.ones_like(cells)], 1)

    def windows(clips: Pixels | None, cells: Floats, intervals: Floats) -> Answers:
        per_pair = cells[:, :, 2].mean((2, 3))
        mean = np.stack([np.convolve(row, np.ones(n_frames - 1), "valid") for row in per_pair]) / (
            n_frames - 1
        )
        flow = np.stack([mean, np.full_like(mean, 100)], -1, dtype=np.float32)
        per_frame = np.concatenate([cells[:, :, 2], cells[:, -1:, 2]], 1)
        logits = np.stack([-mean / 2, mean / 2], -1, dtype=np.float32)
        return Answers(logits, flow, per_frame.mean((2, 3))[..., None], -per_frame)

    return Judge(motion, windows, sees_pictures=False, context=context)
