"""What RSPNet's pretext tasks have taught, measured on videos never trained on."""

# F videos, B clips, E embedding

import zlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from torch import Tensor

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.datasets.augment import draw_augmentation
from speediness.datasets.clip_cache import CachedVideo
from speediness.errors import DataError
from speediness.evaluation.centre_clips import Clip, augmented_clip, centre_clip, run_batched, with_clip
from speediness.models.rspnet import SPEEDS, RSPNet

TRIPLETS = 4  # a video
LOOK_ZOOM = 1.6  # RSPNet crops 40 % of the area or more


def ranked_right(network: RSPNet, videos: Sequence[CachedVideo]) -> float:
    """Share of triplets whose query is nearer to the key of its own speed; chance is one half.

    Query and keys are drawn from random moments of a video, the keys from the same moment. Videos too
    short for a clip at 2x are left out.

    Raises:
        DataError: all videos are too short.
    """
    fitting = (video for video in videos if holds_both_speeds(video, network.config.clip))
    motion_BE, _ = _embedded(network, (clip for video in fitting for clip in _triplets(video, network)))
    query_VE, same_VE, other_VE = motion_BE.unflatten(0, (-1, 3)).unbind(1)
    return float(((query_VE * same_VE).sum(1) > (query_VE * other_VE).sum(1)).float().mean())


def same_video_found(network: RSPNet, videos: Sequence[CachedVideo], changed: bool = False) -> float:
    """Share of videos whose clip at one quarter is nearest to their own, of all clips at three quarters.

    Args:
        network: on any device.
        videos: to be told apart; those of fewer frames than a clip are left out.
        changed: every clip is another square of the frame, tinted, blurred and mirrored as in
            training; without, clips of one video often have the very same colours and edges, and a
            network at its random start finds many.

    Raises:
        DataError: no video has the frames of a clip.
    """
    fitting = with_clip(videos, network.config.clip)
    clips = (clip for video in fitting for clip in _halves(video, network, changed))
    _, appearance_BE = _embedded(network, clips)
    first_FE, second_FE = appearance_BE.unflatten(0, (-1, 2)).unbind(1)
    nearest_F = (first_FE @ second_FE.T).argmax(1).numpy()
    return float((nearest_F == np.arange(len(nearest_F))).mean())


def holds_both_speeds(video: CachedVideo, clip: ClipSpec) -> bool:
    """Whether a video is long enough for a clip at 2x."""
    return sampling.holds_clip(video.times_s, max(SPEEDS), clip.n_frames, clip.frame_rate)


def _embedded(network: RSPNet, clips: Iterable[Clip]) -> tuple[Tensor, ...]:
    answers = run_batched(network, clips)
    if not answers:
        raise DataError("no video is long enough for a clip at 2x")
    return answers


def _triplets(stored: CachedVideo, network: RSPNet) -> Iterator[Clip]:
    clip = network.config.clip
    video = stored.for_clips(clip)
    rng = np.random.default_rng(0)
    for n in range(TRIPLETS):
        query_s, keys_s = rng.uniform(0, max(video.end_s - 2 * clip.duration_s, 0), size=2)
        own, other = SPEEDS[n % 2], SPEEDS[1 - n % 2]
        for start_s, factor in ((query_s, own), (keys_s, own), (keys_s, other)):
            times_s = sampling.play_at(start_s, factor, clip.n_frames, clip.frame_rate)
            yield centre_clip(video, times_s, clip)


def _halves(stored: CachedVideo, network: RSPNet, changed: bool) -> Iterator[Clip]:
    clip = network.config.clip
    video = stored.for_clips(clip)
    # Of its own for every video, so that a video is changed alike whatever others there are.
    rng = np.random.default_rng(zlib.crc32(stored.item.path.name.encode()))
    for share in (0.25, 0.75):
        times_s = sampling.window_around(share * video.end_s, 1.0, clip.n_frames, clip.frame_rate)
        if changed:
            height, width = video.frames_FHWC.shape[1:3]
            yield augmented_clip(video, times_s, clip, draw_augmentation(height, width, rng, LOOK_ZOOM))
        else:
            yield centre_clip(video, times_s, clip)
