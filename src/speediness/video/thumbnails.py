"""A row of small pictures of a film, evenly over its length, without decoding all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from speediness.video.place import Entry, entry_before
from speediness.video.reader import VideoReader, open_media, picture_stream

AFFORDED_PX = 150e6  # to decode for a row: 72 pictures of 1080p, about half a second on two busy cores
GLIMPSED = 0.5  # share of a film's frames that is decoded where it is glimpsed, about
FEWEST = 2  # fewer pictures are no row


@dataclass(frozen=True)
class Thumbnail:
    """One picture of a row."""

    time_s: float
    """When it is on screen, seconds from the first frame."""
    pixels_HWC: NDArray[np.uint8]
    """Upright RGB."""


@dataclass(frozen=True)
class _Stretch:
    """A part of a film that one picture stands for, and how to come by the picture."""

    begin_s: float
    end_s: float
    wanted_s: float
    """A moment between the two."""
    entry: Entry | None = None
    """Where to begin decoding; None: go on from the stretch before."""


def thumbnails(
    reader: VideoReader, duration_s: float, most: int, size_px: tuple[int, int]
) -> list[Thumbnail]:
    """One picture of each of as many equal stretches of a film as can be had cheaply.

    Of a small film it is the picture in the middle of the stretch. A large one is entered at key
    frames: a stretch is shown by one in its first half, or where it has none by its beginning.

    Args:
        reader: the film.
        duration_s: of the film.
        most: stretches; there are fewer where key frames are rare.
        size_px: width and height of a picture.

    Returns:
        A picture for every stretch, in order. None at all where even two are too dear, or where
        the film is large and its container has no index.
    """
    info = reader.info
    afforded = AFFORDED_PX / (info.width_px * info.height_px)
    if duration_s * info.frame_rate <= afforded:
        stretches = [
            _Stretch(begin_s, end_s, (begin_s + end_s) / 2) for begin_s, end_s in _equal(duration_s, most)
        ]
    else:
        stretches = _entered(reader, duration_s, most, afforded / GLIMPSED)
    width_px, height_px = size_px[::-1] if info.orientation.transposed else size_px
    scaler = VideoReformatter()
    row = []
    for time_s, picture in _pictures(reader, stretches):
        small = scaler.reformat(
            picture, width=width_px, height=height_px, format="rgb24", interpolation="AREA"
        )
        row.append(Thumbnail(time_s, np.ascontiguousarray(info.orientation.upright(small.to_ndarray()))))
    return row if len(row) == len(stretches) else []


def _equal(duration_s: float, n: int) -> list[tuple[float, float]]:
    return [(duration_s * k / n, duration_s * (k + 1) / n) for k in range(n)]


def _entered(reader: VideoReader, duration_s: float, most: int, afforded: float) -> list[_Stretch]:
    """As many equal stretches as can be entered within so many frames; none where two cannot."""
    with open_media(reader.path) as container:
        stream = picture_stream(container, reader.path)
        for n in range(most, FEWEST - 1, -1):
            stretches: list[_Stretch] = []
            cost, reached_s = 0.0, -1.0
            for begin_s, end_s in _equal(duration_s, n):
                found = entry_before(container, stream, reader.start_s, (begin_s + end_s) / 2)
                if found is None or found[0] >= end_s:
                    return []
                key_s, entry = found
                wanted_s = max(key_s, begin_s)
                cost += 1 + (wanted_s - max(key_s, reached_s)) * float(reader.info.frame_rate)
                stretches.append(_Stretch(begin_s, end_s, wanted_s, entry if key_s > reached_s else None))
                reached_s = wanted_s
            if cost <= afforded:
                return stretches
    return []


def _pictures(reader: VideoReader, stretches: list[_Stretch]) -> Iterator[tuple[float, av.VideoFrame]]:
    """Of each the first frame from the wanted moment on, or one before it that stands still."""
    frames: Iterator[tuple[Fraction, av.VideoFrame]] | None = None
    last = coming = None
    for stretch in stretches:
        if frames is None or stretch.entry is not None:
            frames = reader.decoded() if stretch.entry is None else reader.glimpsed(stretch.entry)
            last, coming = None, next(frames, None)
        while coming is not None and float(coming[0]) < stretch.wanted_s:
            last, coming = coming, next(frames, None)
        if coming is not None and (last is None or float(coming[0]) < stretch.end_s):
            yield float(coming[0]), coming[1]
        elif last is not None:
            yield stretch.wanted_s, last[1]
