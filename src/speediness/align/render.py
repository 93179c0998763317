"""Two videos side by side, the second in step with the first."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from speediness.align.warp import TimeMap
from speediness.video.audio_reader import AudioReader
from speediness.video.frame_choice import choose, standard_rate
from speediness.video.info import ColourTags
from speediness.video.reader import VideoReader
from speediness.video.writer import SoundFormat, VideoWriter
from speediness.video.yuv420 import Yuv420Converter, from_planes, planes

UNSPECIFIED = 2  # of a matrix of colours


def render_aligned(
    a: VideoReader,
    b: VideoReader,
    time_map: TimeMap,
    out: Path,
    progress: Callable[[float, float], None] | None = None,
) -> None:
    """Write A at its own speed, with its sound, and at its right what B shows at the mapped moments.

    Frame rate and choice of frames are as when a video is sped up at rate 1
    (:func:`speediness.speedup.render.render_speedup`). B is scaled to the height of A, which was decoded
    to its end before, so that its length is known. ``progress`` is called after every frame with seconds
    written and their total.

    Raises:
        VideoError: a video vanished or changed.
        OutputError: ``out`` cannot be written; nothing is left behind.
    """
    left, right = Yuv420Converter(a.info), Yuv420Converter(b.info)
    rate = standard_rate(a.info.frame_rate)
    n_frames = max(round(a.end_s * rate), 1)
    moments_s = np.arange(0.5, n_frames) / float(rate)
    width_px = max(round(right.width_px * left.height_px / right.height_px / 2), 1) * 2
    fit = _Fitter(right, (width_px, left.height_px), left.colour)
    sound = AudioReader(a) if a.info.has_audio else None
    forms = [SoundFormat(sound.sample_rate_hz, sound.channels)] if sound else []

    def frames() -> Iterator[av.VideoFrame]:
        shown = zip(
            _made(a.decoded(), moments_s, left.make),
            _made(b.decoded(), time_map(moments_s), fit.make),
            strict=True,
        )
        for one, other in shown:
            pairs = zip(planes(one), planes(other), strict=True)
            yield from_planes([np.concatenate(pair, 1) for pair in pairs])

    size_px = (left.width_px + width_px, left.height_px)
    with VideoWriter(out, size_px, rate, left.colour, forms) as writer:
        writer.write(frames(), [sound.blocks()] if sound else [], n_frames, progress)


class _Fitter:
    """Frames of one video as upright images of another size, their colours meant as another's are."""

    def __init__(self, maker: Yuv420Converter, size_px: tuple[int, int], colour: ColourTags) -> None:
        self._maker, self._size_px, self._scaler = maker, size_px, VideoReformatter()
        known = UNSPECIFIED not in (maker.colour.matrix, colour.matrix)
        self._matrices = (maker.colour.matrix, colour.matrix) if known else (None, None)
        self._ranges = (maker.colour.range or 1, colour.range or 1)

    def make(self, frame: av.VideoFrame) -> av.VideoFrame:
        width_px, height_px = self._size_px
        return self._scaler.reformat(
            self._maker.make(frame),
            width=width_px,
            height=height_px,
            format="yuv420p",
            interpolation="BICUBIC",
            src_colorspace=self._matrices[0],
            dst_colorspace=self._matrices[1],
            src_color_range=self._ranges[0],
            dst_color_range=self._ranges[1],
        )


def _made(
    decoded: Iterator[tuple[Fraction, av.VideoFrame]],
    moments_s: np.ndarray,
    make: Callable[[av.VideoFrame], av.VideoFrame],
) -> Iterator[av.VideoFrame]:
    """The image of the frame on screen at each moment; one that stays is made once."""
    shown, image = None, None
    for time_s, frame in choose(decoded, moments_s):
        if image is None or time_s != shown:
            shown, image = time_s, make(frame)
        yield image
