"""Runtimes that answer by a rule of the test, and frames that say where something is."""

# P pairs, B sequences or clips, L bins, T frames or bins of a window, W windows

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from speediness.clip import ClipSpec
from speediness.evaluation.calibration import fit_estimate
from speediness.motion_field import REFERENCE_PX
from speediness.runtime.network import Network, Response
from speediness.runtime.protocol import BOUNDARY, Floats, Indices, Outputs, Runtime
from speediness.sampling import playback_factors

Rule = Callable[[np.ndarray], np.ndarray]
DIGITS = 256 ** np.arange(3)


def runtime_by(rule: Rule) -> Runtime:
    """A network that sees frames; the rule says the mean (B,) of log2 of the rate of clips."""

    def classify_clips(clips: np.ndarray) -> Outputs:
        mean = np.asarray(rule(clips), np.float32)
        maps = np.zeros((*clips.shape[:2], 1, 1), np.float32)
        return Outputs(np.stack([mean, 0 * mean], -1)[:, None], maps[..., 0], maps)

    return Runtime(classify_clips=classify_clips)


def frame_at(position_px: float, side_px: int = 32) -> np.ndarray:
    """A frame (H, W, 1) whose first pixels spell a position, to a thousandth of a pixel."""
    frame = np.zeros((side_px, side_px, 1), np.uint8)
    frame[0, :3, 0] = round(1000 * position_px) // DIGITS % 256
    return frame


def positions_px(frames: np.ndarray) -> np.ndarray:
    """What :func:`frame_at` was given, of frames (.., H, W, 1)."""
    return frames[..., 0, :3, 0] @ DIGITS / 1000


def motion_runtime_by(
    moved: Callable[[np.ndarray, np.ndarray], np.ndarray],
    say: Rule,
    n_bins: int,
    margin: int = 0,
    sees_scene: bool = False,
    cam: Rule = lambda kept_BThw: kept_BThw.mean((2, 3), keepdims=True),
) -> Runtime:
    """A network that sees motion.

    What it is told of the scene, the brightness, is added to the motion of each bin.

    Args:
        moved: displacements (P, h, w) between frames before and after.
        say: the means (B, W) that it answers for the mean motion (B, W, bins) of windows.
        n_bins: of a window.
        margin: bins at either end of a sequence that have no features and maps.
        sees_scene: whether it is told of the scene.
        cam: maps of motion (B, T, h, w); features are their means.
    """

    def measure(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        cells = moved(before, after)
        return np.stack([cells, 0 * cells, np.abs(cells), 0 * cells + 1], 1).astype(np.float32)

    def classify(
        motion_BL4hw: Floats, scene_NKhw: Floats | None = None, scene_BL: Indices | None = None
    ) -> Outputs:
        speed_BLhw = motion_BL4hw[:, :, 2]
        if scene_NKhw is not None:
            speed_BLhw = speed_BLhw + scene_NKhw[:, 0][scene_BL]
        length = speed_BLhw.shape[1]
        mean_BW = say(sliding_window_view(speed_BLhw.mean((2, 3)), min(n_bins, length), 1))
        maps = cam(speed_BLhw[:, margin : length - margin]).astype(np.float32)
        rate = np.stack([mean_BW, 0 * mean_BW], -1).astype(np.float32)
        return Outputs(rate, maps.mean((2, 3))[..., None], maps)

    see = None if not sees_scene else lambda frames: frames.mean((1, 2, 3), np.float32)[:, None, None, None]
    return Runtime(measure, classify, see)


def motion_runtime(n_bins: int, margin: int = 1, sees_scene: bool = False) -> Runtime:
    """A network that says a mean of the motion over a window, later bins counting for more."""

    def moved(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return over_cells(positions_px(after) - positions_px(before))

    return motion_runtime_by(
        moved, lambda windows: windows @ weights(windows.shape[2]), n_bins, margin, sees_scene
    )


def over_cells(value_P: np.ndarray) -> np.ndarray:
    """(P, 2, 2) the same in every cell."""
    return np.broadcast_to(value_P[:, None, None], (len(value_P), 2, 2))


CELL_PX = 4


def grey_motion_runtime(clip: ClipSpec, margin: int = 0) -> Runtime:
    """A frame of grey level g moves g pixels, of those of short side REFERENCE_PX, while it is shown.

    The log-odds of a window are its mean motion, the map is minus the motion of every 2 x 2 cells.
    """

    def moved(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        pairs, height, width, _ = before.shape
        grey = before[..., 0].astype(np.float32) * min(height, width) / REFERENCE_PX
        return grey.reshape(pairs, height // CELL_PX, CELL_PX, width // CELL_PX, CELL_PX).mean((2, 4))

    def cam(kept_BThw: np.ndarray) -> np.ndarray:
        batch, _, height, width = kept_BThw.shape
        return -kept_BThw.reshape(batch, -1, height // 2, 2, width // 2, 2).mean((3, 5))

    return motion_runtime_by(
        moved, lambda windows: windows.mean(2) + BOUNDARY, clip.n_frames, margin, cam=cam
    )


def weights(n_bins: int) -> np.ndarray:
    """How much each bin of a window counts."""
    return np.arange(1, n_bins + 1) / np.arange(1, n_bins + 1).sum()


def response_of(rates: np.ndarray, mean: np.ndarray, within: float, between: float) -> Response:
    """The response of a network whose answers to a video lie ``between`` from the mean at every rate."""
    own_V1 = np.array([[-between], [between]])
    estimate_weights, bias = fit_estimate(rates, mean + own_V1, mean, np.ones(2))
    played_RK = np.interp(rates[:, None] + np.log2(playback_factors()), rates, mean)
    return Response(
        rates,
        mean,
        within,
        estimate_weights,
        bias,
        played_RK @ estimate_weights + bias,
        between * float(estimate_weights.sum()),
    )


def scripted_network(runtime: Runtime, clip: ClipSpec, response: Response) -> Network:
    """A network that was never in a file."""
    network = Network.__new__(Network)
    network.name, network.sha256, network.engine = "scripted", "0" * 64, "onnx"
    network.clip, network.runtime, network.response = clip, runtime, response
    network.flow_threshold, network.document = 1.0, {}
    return network


FADING = 40.0
"""Grey levels a second at which :func:`fading_network` sees natural video."""


def fading_network() -> Network:
    """A network for frames that become brighter or darker: the quicker, the faster they are played."""
    clip = ClipSpec(16, Fraction(8), 56, 1)

    def moved(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return over_cells(after.mean((1, 2, 3)) - before.mean((1, 2, 3)))

    def say(windows: np.ndarray) -> np.ndarray:
        speed = np.maximum(windows.mean(2), 1e-3) * float(clip.frame_rate)
        return np.clip(np.log2(speed / FADING), -3, 4)

    rates = np.arange(-3.0, 5.0)
    runtime = motion_runtime_by(moved, say, clip.n_frames, margin=3)
    return scripted_network(runtime, clip, response_of(rates, rates, 0.3, 0.3))
