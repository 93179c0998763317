"""Runtimes that answer by a rule of the test, and frames that say where something is."""

# P pairs, B sequences or clips, L bins, T frames or bins of a window, W windows

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from speediness.analysis.network import Network, Response
from speediness.clip import ClipSpec
from speediness.engines.runtime import Floats, Indices, Outputs, Runtime
from speediness.evaluation.calibration import fit_estimate
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


def motion_runtime(n_bins: int, margin: int = 1, sees_scene: bool = False) -> Runtime:
    """A network that sees motion and says a mean of it over a window, later bins counting for more.

    What it is told of the scene, the brightness, is added to the motion of each bin.
    """

    def measure(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        moved = positions_px(after) - positions_px(before)
        cells = np.stack([moved, 0 * moved, np.abs(moved), 0 * moved + 1], 1).astype(np.float32)
        return cells[:, :, None, None].repeat(2, 2).repeat(2, 3)

    def classify(
        motion_BL4hw: Floats, scene_NKhw: Floats | None = None, scene_BL: Indices | None = None
    ) -> Outputs:
        value_BL = motion_BL4hw[:, :, 2].mean((2, 3))
        if scene_NKhw is not None:
            value_BL = value_BL + scene_NKhw[:, 0, 0, 0][scene_BL]
        count = min(n_bins, value_BL.shape[1])
        return outputs_of(value_BL, sliding_window_view(value_BL, count, 1) @ weights(count), margin)

    see = None if not sees_scene else lambda frames: frames.mean((1, 2, 3), np.float32)[:, None, None, None]
    return Runtime(measure, classify, see)


def weights(n_bins: int) -> np.ndarray:
    """How much each bin of a window counts."""
    return np.arange(1, n_bins + 1) / np.arange(1, n_bins + 1).sum()


def outputs_of(value_BL: np.ndarray, mean_BW: np.ndarray, margin: int) -> Outputs:
    """Answers of variance 1, and a feature and a map that are the value of the bin."""
    feature = value_BL[:, margin : value_BL.shape[1] - margin, None].astype(np.float32)
    return Outputs(np.stack([mean_BW, 0 * mean_BW], -1).astype(np.float32), feature, feature[..., None])


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

    def measure(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        moved = np.abs(after.mean((1, 2, 3)) - before.mean((1, 2, 3)))
        cells = np.stack([moved, 0 * moved, moved, 0 * moved + 1], 1).astype(np.float32)
        return cells[:, :, None, None].repeat(2, 2).repeat(2, 3)

    def classify(
        motion_BL4hw: Floats, scene_NKhw: Floats | None = None, scene_BL: Indices | None = None
    ) -> Outputs:
        value_BL = motion_BL4hw[:, :, 2].mean((2, 3))
        count = min(clip.n_frames, value_BL.shape[1])
        mean_BW = sliding_window_view(value_BL, count, 1).mean(2)
        rate_BW = np.log2(np.maximum(mean_BW, 1e-3) * float(clip.frame_rate) / FADING)
        return outputs_of(value_BL, np.clip(rate_BW, -3, 4), 3)

    rates = np.arange(-3.0, 5.0)
    return scripted_network(Runtime(measure, classify), clip, response_of(rates, rates, 0.3, 0.3))
