"""A row of small images of a video, evenly over its length, without decoding all of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from speediness.video.reader import VideoReader, find_video_stream, open_media
from speediness.video.resume_point import Keyframe, keyframe_before

AFFORDED_PX = 150e6  # to decode for a row: 72 images of 1080p, about half a second on two busy cores
REFERENCED = 0.5  # share of a video's frames that is decoded where only key frames are read, about
FEWEST = 2  # fewer images are no row


@dataclass(frozen=True)
class Thumbnail:
    """One image of a row."""

    time_s: float
    """When it is on screen, seconds from the first frame."""
    pixels_HWC: NDArray[np.uint8]
    """Upright RGB."""


@dataclass(frozen=True)
class _Stretch:
    """A part of a video that one image stands for, and how to come by the image."""

    begin_s: float
    end_s: float
    wanted_s: float
    """A moment between the two."""
    keyframe: Keyframe | None = None
    """Where to begin decoding; None: go on from the stretch before."""


def thumbnails(
    reader: VideoReader, duration_s: float, most: int, size_px: tuple[int, int]
) -> list[Thumbnail]:
    """One image of each of as many equal stretches of a video as can be had cheaply.

    Of a small video it is the image in the middle of the stretch. A large one is entered at key
    frames: a stretch is shown by one in its first half, or where it has none by its beginning.

    Args:
        reader: the video.
        duration_s: of the video.
        most: stretches; there are fewer where key frames are rare.
        size_px: width and height of an image.

    Returns:
        An image for every stretch, in order. None at all where even two are too dear, or where
        the video is large and its container has no index.
    """
    info = reader.info
    afforded = AFFORDED_PX / (info.width_px * info.height_px)
    if duration_s * info.frame_rate <= afforded:
        stretches = [
            _Stretch(begin_s, end_s, (begin_s + end_s) / 2) for begin_s, end_s in _equal(duration_s, most)
        ]
    else:
        stretches = _entered(reader, duration_s, most, afforded / REFERENCED)
    width_px, height_px = size_px[::-1] if info.orientation.transposed else size_px
    scaler = VideoReformatter()
    row = []
    for time_s, image in _images(reader, stretches):
        small = scaler.reformat(
            image, width=width_px, height=height_px, format="rgb24", interpolation="AREA"
        )
        row.append(Thumbnail(time_s, np.ascontiguousarray(info.orientation.upright(small.to_ndarray()))))
    return row if len(row) == len(stretches) else []


def _equal(duration_s: float, n: int) -> list[tuple[float, float]]:
    return [(duration_s * k / n, duration_s * (k + 1) / n) for k in range(n)]


def _entered(reader: VideoReader, duration_s: float, most: int, afforded: float) -> list[_Stretch]:
    """As many equal stretches as can be entered within so many frames; none where two cannot."""
    with open_media(reader.path) as container:
        stream = find_video_stream(container, reader.path)
        for n in range(most, FEWEST - 1, -1):
            stretches: list[_Stretch] = []
            cost, reached_s = 0.0, -1.0
            for begin_s, end_s in _equal(duration_s, n):
                found = keyframe_before(container, stream, reader.start_s, (begin_s + end_s) / 2)
                if found is None or found[0] >= end_s:
                    return []
                key_s, keyframe = found
                wanted_s = max(key_s, begin_s)
                cost += 1 + (wanted_s - max(key_s, reached_s)) * float(reader.info.frame_rate)
                stretches.append(
                    _Stretch(begin_s, end_s, wanted_s, keyframe if key_s > reached_s else None)
                )
                reached_s = wanted_s
            if cost <= afforded:
                return stretches
    return []


def _images(reader: VideoReader, stretches: list[_Stretch]) -> Iterator[tuple[float, av.VideoFrame]]:
    """Of each the first frame from the wanted moment on, or one before it that stands still."""
    frames: Iterator[tuple[Fraction, av.VideoFrame]] | None = None
    last = coming = None
    for stretch in stretches:
        if frames is None or stretch.keyframe is not None:
            frames = (
                reader.decoded() if stretch.keyframe is None else reader.reference_frames(stretch.keyframe)
            )
            last, coming = None, next(frames, None)
        while coming is not None and float(coming[0]) < stretch.wanted_s:
            last, coming = coming, next(frames, None)
        if coming is not None and (last is None or float(coming[0]) < stretch.end_s):
            yield float(coming[0]), coming[1]
        elif last is not None:
            yield stretch.wanted_s, last[1]
