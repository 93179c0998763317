"""The measurement of §5.1 on motion measured before: in training no video is read again."""

# W windows, L bins, N looks at the scene, K components of the scene, h w cells

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from speediness import sampling
from speediness.analysis.shot import REPORTED_PX
from speediness.datasets.motion_cache import STRIDES, MotionVideo
from speediness.evaluation.calibration import RATES, VideoAnswers
from speediness.evaluation.speed_accuracy import MAGNIFICATION, VideoScores
from speediness.models.speednet import SpeedNet, score
from speediness.motion_field import LONGEST_PAIR_S, REFERENCE_PX
from speediness.runtime.protocol import mean_over_windows
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
    """Mean motion, in pixels per bin as played, at short side REPORTED_PX."""

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
    bins = torch.from_numpy(field.bins(0.0, width_s, count))
    if magnified:
        bins = _middle(bins)
        bins[:, :3] *= MAGNIFICATION
    moved = bins[:, 2].mean((1, 2)).numpy() * np.float32(REPORTED_PX / REFERENCE_PX)
    device = next(network.parameters()).device
    given: list[torch.Tensor] = [bins[None].to(device)]
    if network.scene is not None and len(video.scene_s):
        maps = network.scene.project(torch.from_numpy(video.scene_NChw.astype(np.float32)).to(device))
        looks = np.searchsorted(video.scene_s, (np.arange(count) + 0.5) * width_s, "right") - 1
        given.append(_middle(maps) if magnified else maps)
        given.append(torch.from_numpy(np.maximum(looks, 0))[None].to(device))
    rate_W2 = network.classify(*given).rate_BW2[0].cpu()
    middles_s = (np.arange(len(rate_W2), dtype=np.float64) + clip.n_frames / 2) * width_s
    return Played(middles_s, rate_W2, mean_over_windows(moved, clip.n_frames))


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
    """What calibration needs; None where no window fits at 2x.

    It is not shown so slowly that its frames, as played, are farther apart than LONGEST_PAIR_S.
    """
    slow, fast = play(video, network, 1.0), play(video, network, 2.0, EVERY_SECOND)
    if slow is None or fast is None:
        return None
    moments_s = sampling.slide(fast.middles_s[0], fast.middles_s[-1], STRIDE_S)
    pair = tuple(version.rate_W2.numpy()[version.at(moments_s)] for version in (slow, fast))
    means = []
    for factor in 2.0**RATES:
        even = factor < min(1.0, video.pair_s(0) / LONGEST_PAIR_S)
        played = None if even else slow if factor == 1 else play(video, network, float(factor))
        means.append(
            np.zeros(0)
            if played is None
            else played.rate_W2[:: network.config.clip.n_frames // 4, 0].numpy()
        )
    return VideoAnswers(video.item.source, (pair[0], pair[1]), tuple(means))


def _middle(maps_NChw: torch.Tensor) -> torch.Tensor:
    """The middle of maps, 1 / MAGNIFICATION of their sides, at the size of the whole."""
    half = maps_NChw.new_tensor([[[1, 0, 0], [0, 1, 0]]]) / MAGNIFICATION
    places = F.affine_grid(half.expand(len(maps_NChw), -1, -1), list(maps_NChw.shape), align_corners=False)
    return F.grid_sample(maps_NChw, places, align_corners=False)
