"""The measurement of §5.1 on motion measured before: in training no video is read again."""

# W windows, L bins, N looks at the scene, K components of the scene, h w cells

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from speediness import sampling
from speediness.datasets.motion_cache import STRIDES, MotionVideo
from speediness.evaluation.calibration import RATES, VideoAnswers
from speediness.evaluation.speed_accuracy import MAGNIFICATION, VideoScores, mean_over_windows
from speediness.models.speednet import SpeedNet, score
from speediness.sampling import Times

EVERY_SECOND = STRIDES.index(2)
STRIDE_S = 0.5  # of the windows that are calibrated by


@dataclass(frozen=True)
class Played:
    """What a network says of all whole windows of a video that is played at some rate."""

    middles_s: Times
    """(W,) in seconds of the video."""
    rate_W2: torch.Tensor
    flow_W: NDArray[np.float32]
    """Mean motion, in pixels per bin as played."""

    def at(self, moments_s: Times) -> NDArray[np.int64]:
        """Numbers of the windows nearest to moments."""
        return sampling.nearest_frames(self.middles_s, moments_s)


@torch.inference_mode()
def play(
    video: MotionVideo, network: SpeedNet, factor: float, number: int = 0, magnified: bool = False
) -> Played | None:
    """Play a video at a rate; None where no window fits.

    Args:
        video: measured.
        network: in any mode; put in evaluation mode.
        factor: of playback.
        number: of the stride that motion is taken from.
        magnified: show the middle of the frame only, twice as large; its motion, not its pixels.
    """
    network.eval()
    clip = network.config.clip
    width_s, end_s = factor / float(clip.frame_rate), float(video.times_s[number][-1])
    count = int(end_s / width_s + 1e-6)
    field = video.field(number, 0.0, end_s)
    if count < clip.n_frames or field is None:
        return None
    bins = field.bins(0.0, width_s, count)
    if magnified:
        bins = _middle(bins)
        bins[:, :3] *= MAGNIFICATION
    given: list[torch.Tensor] = [torch.from_numpy(bins)[None]]
    if network.scene is not None and len(video.scene_s):
        maps = network.scene.project(torch.from_numpy(video.scene_NChw.astype(np.float32)))
        looks = np.searchsorted(video.scene_s, (np.arange(count) + 0.5) * width_s, "right") - 1
        given.append(torch.from_numpy(_middle(maps.numpy())) if magnified else maps)
        given.append(torch.from_numpy(np.maximum(looks, 0))[None])
    rate_W2 = network.classify(*given).rate_BW2[0]
    middles_s = (np.arange(len(rate_W2), dtype=np.float64) + clip.n_frames / 2) * width_s
    return Played(middles_s, rate_W2, mean_over_windows(bins[:, 2].mean((1, 2)), clip.n_frames))


def score_motion(video: MotionVideo, network: SpeedNet, stride_s: float = 1.0) -> VideoScores | None:
    """As :func:`speediness.evaluation.speed_accuracy.score_video`; None where no window fits at 2x."""
    fast = play(video, network, 2.0, EVERY_SECOND)
    if fast is None:
        return None
    versions = (play(video, network, 1.0), fast, play(video, network, 1.0, magnified=True))
    moments_s = sampling.slide(fast.middles_s[0], fast.middles_s[-1], stride_s)
    known = [version for version in versions if version is not None]
    scores = [score(version.rate_W2).numpy()[version.at(moments_s)] for version in known]
    flows = [version.flow_W[version.at(moments_s)] for version in known]
    return VideoScores(video.item.path.name, video.item.source, *scores, *flows)


def answers(video: MotionVideo, network: SpeedNet) -> VideoAnswers | None:
    """What calibration needs; None where no window fits at 2x."""
    slow, fast = play(video, network, 1.0), play(video, network, 2.0, EVERY_SECOND)
    if slow is None or fast is None:
        return None
    moments_s = sampling.slide(fast.middles_s[0], fast.middles_s[-1], STRIDE_S)
    pair = tuple(version.rate_W2.numpy()[version.at(moments_s)] for version in (slow, fast))
    means = []
    for rate in RATES:
        played = play(video, network, float(2.0**rate))
        means.append(
            np.zeros(0)
            if played is None
            else played.rate_W2[:: network.config.clip.n_frames // 4, 0].numpy()
        )
    return VideoAnswers(video.item.source, (pair[0], pair[1]), RATES, tuple(means))


def _middle(maps_NChw: NDArray[np.float32]) -> NDArray[np.float32]:
    """The middle half of maps each way, every place twice."""
    height, width = maps_NChw.shape[2:]
    top, left = height // 4, width // 4
    middle = maps_NChw[:, :, top : top + (height + 1) // 2, left : left + (width + 1) // 2]
    return np.ascontiguousarray(middle.repeat(2, 2).repeat(2, 3)[:, :, : height // 2 * 2, : width // 2 * 2])
