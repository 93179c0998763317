"""A network that sees motion, whose answers can be told from the video by eye."""

from __future__ import annotations

import numpy as np

from speediness.clip import ClipSpec
from speediness.engines.runtime import BOUNDARY, Floats, Indices, Outputs, Pixels, Runtime
from speediness.motion_field import REFERENCE_PX

CELL_PX = 4


def grey_motion_runtime(clip: ClipSpec, margin: int = 0) -> Runtime:
    """A frame of grey level g moves g pixels, of those of short side REFERENCE_PX, while it is shown.

    The log-odds of a window are its mean motion, the map is minus the motion of every 2 x 2 cells.

    Args:
        clip: of the network.
        margin: bins at either end of a sequence that have no map.
    """

    def measure(before: Pixels, after: Pixels) -> Floats:
        pairs, height, width, _ = before.shape
        grey = before[..., 0].astype(np.float32) * min(height, width) / REFERENCE_PX
        cells = grey.reshape(pairs, height // CELL_PX, CELL_PX, width // CELL_PX, CELL_PX).mean((2, 4))
        return np.stack([cells, 0 * cells, cells, np.ones_like(cells)], 1)

    def classify(
        motion_BL4hw: Floats, scene_NKhw: Floats | None = None, scene_BL: Indices | None = None
    ) -> Outputs:
        batch, length, _, height, width = motion_BL4hw.shape
        speed = motion_BL4hw[:, :, 2]
        windows = np.lib.stride_tricks.sliding_window_view(speed.mean((2, 3)), clip.n_frames, 1)
        rate = np.stack([windows.mean(2) + BOUNDARY, 0 * windows.mean(2)], 2).astype(np.float32)
        kept = speed[:, margin : length - margin]
        cam = -kept.reshape(batch, -1, height // 2, 2, width // 2, 2).mean((3, 5))
        return Outputs(rate, cam.mean((2, 3))[..., None], cam)

    return Runtime(measure, classify)
