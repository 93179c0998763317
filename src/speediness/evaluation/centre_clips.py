"""Clips as measurements cut them: the middle square, no augmentation (SpeedNet §5.1)."""

# T frames, N side of a clip, H W frame size, C channels, B clips

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.datasets.augment import Augmentation, apply_augmentations, centre_square, draw_augmentation
from speediness.datasets.clip_cache import CachedVideo
from speediness.datasets.decoded_video import DecodedVideo
from speediness.errors import DataError
from speediness.evaluation.speed_accuracy import halve
from speediness.sampling import Indices, Times

Clip = NDArray[np.uint8]
"""Frames (T, N, N, C)."""

CLIPS = 32  # seen at once


def centre_crop(frames_THWC: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """The middle size_px x size_px of each frame at half its resolution (§5.1)."""
    halved_THWC = halve(frames_THWC)
    top, left = ((side - size_px) // 2 for side in halved_THWC.shape[1:3])
    return halved_THWC[:, top : top + size_px, left : left + size_px]


def with_clip(videos: Sequence[CachedVideo], clip: ClipSpec) -> Iterator[CachedVideo]:
    """The videos of at least as many frames as a clip; nothing can be shown of the others.

    Raises:
        DataError: there are none.
    """
    found = False
    for video in videos:
        if len(video.times_s) >= clip.n_frames:
            found = True
            yield video
    if not found:
        raise DataError(f"none of the {len(videos)} videos has the {clip.n_frames} frames of a clip")


def even_clip(video: DecodedVideo, times_s: Times) -> Indices:
    """The frames of a clip around these evenly spaced times, a whole number apart.

    Published protocols want an answer for every video. Where the video is too short for the clip, its
    frames lie as far apart as fits, so that it shows less time than it should; none is repeated.

    Raises:
        DataError: the video has fewer frames than the clip.
    """
    try:
        return sampling.even_frames(video.times_s, times_s)
    except ValueError:
        step, over = divmod(len(video.times_s) - 1, len(times_s) - 1)
        if not step:
            raise DataError(f"{video.item.path.name} has fewer than {len(times_s)} frames") from None
        return over // 2 + step * np.arange(len(times_s))


def centre_clip(video: DecodedVideo, times_s: Times, clip: ClipSpec) -> Clip:
    """The clip around these moments (:func:`even_clip`) of a video whose short side is twice N."""
    return centre_crop(video.frames_FHWC[even_clip(video, times_s)], clip.size_px)


def middle_clip(stored: CachedVideo, clip: ClipSpec) -> Clip:
    """The clip around the middle of a video, at natural speed."""
    video = stored.for_clips(clip)
    times_s = sampling.window_around(video.end_s / 2, 1.0, clip.n_frames, clip.frame_rate)
    return centre_clip(video, times_s, clip)


def random_square(video: DecodedVideo, rng: np.random.Generator) -> Augmentation:
    """A quarter of the frame's middle square or more, anywhere, mirrored or not; its look as it is."""
    height, width = video.frames_FHWC.shape[1:3]
    drawn = draw_augmentation(height, width, rng, zoom=2.0)
    place = {name: getattr(drawn, name) for name in ("top", "left", "side_px", "flip")}
    return replace(centre_square(height, width), **place)


def augmented_clip(video: DecodedVideo, times_s: Times, clip: ClipSpec, augmentation: Augmentation) -> Clip:
    """As :func:`centre_clip`, with a look of :mod:`speediness.datasets.augment`."""
    indices = even_clip(video, times_s)
    rows = slice(augmentation.top, augmentation.top + augmentation.side_px)
    columns = slice(augmentation.left, augmentation.left + augmentation.side_px)
    square = torch.from_numpy(np.ascontiguousarray(video.frames_FHWC[indices, rows, columns]))
    (frames_TNNC,) = apply_augmentations([square], [augmentation], [0], clip.size_px)
    return frames_TNNC.numpy()


def run_batched(
    network: nn.Module,
    clips: Iterable[Clip],
    forward: Callable[[Tensor], tuple[Tensor, ...]] | None = None,
) -> tuple[Tensor, ...]:
    """What a network, put into evaluation mode, says of clips, some at a time; by ``forward`` or its own.

    Returns:
        Each answer (B, ..), on the CPU.
    """
    device = next(network.eval().parameters(), torch.empty(0)).device  # trajectories have no parameters
    parts = []
    coming = iter(clips)
    with torch.inference_mode():
        while some := list(islice(coming, CLIPS)):
            stacked = torch.from_numpy(np.stack(some)).to(device)
            parts.append([answer.float().cpu() for answer in (forward or network)(stacked)])
    return tuple(torch.cat(answers) for answers in zip(*parts, strict=True))
