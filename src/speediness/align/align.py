"""From two video files to a map of time, and to both side by side."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from speediness.align.features import FrameFeatures, described, load_features
from speediness.align.warp import TimeMap, align
from speediness.errors import VideoError
from speediness.results.curve import Float64s
from speediness.video.audio_reader import AudioReader
from speediness.video.frame_choice import choose, standard_rate
from speediness.video.info import ColourTags
from speediness.video.reader import VideoReader
from speediness.video.writer import SoundFormat, VideoWriter, check_file, check_output
from speediness.video.yuv420 import Yuv420Converter, from_planes, planes


@dataclass(frozen=True, eq=False)
class Aligned:
    """Two videos in step."""

    time_map: TimeMap
    moments_s: Float64s
    """Moments of B that belong to those asked for of A."""
    warnings: tuple[str, ...]
    """What the reader had to put up with."""


def align_videos(
    a: str | Path,
    b: str | Path,
    out: str | Path | None = None,
    *,
    moments_s: Float64s | None = None,
    model: FrameFeatures | None = None,
    force: bool = False,
    progress: Callable[[float, float], None] | None = None,
) -> Aligned:
    """Bring video B into step with video A of the same action.

    Args:
        a: path; plays at its own speed.
        b: path.
        out: an ``.mp4``, ``.mov`` or ``.mkv`` in an existing folder, both side by side; None: none.
        moments_s: moments of A, seconds, to be found in B.
        model: how frames are described; None: the features that are shipped.
        force: replace an existing ``out``.
        progress: called after every frame of ``out`` with seconds written and their total.

    Raises:
        VideoError: a video cannot be read, holds a single frame, or ends before a moment.
        OutputError: ``out`` cannot be written; nothing is left behind.
        WeightsError: the shipped features are missing.
    """
    readers = VideoReader(a), VideoReader(b)
    if out is not None:
        if not Path(out).exists() or not Path(out).samefile(a):
            check_file(Path(out), Path(b), force)
        check_output(Path(out), Path(a), force)
    model = model or load_features()
    one, other = (described(reader, model) for reader in readers)
    warnings = tuple(f"{reader.path.name}: {line}" for reader in readers for line in reader.warnings)
    asked_s = np.zeros(0) if moments_s is None else moments_s
    if len(asked_s) and asked_s.max() > one.end_s:
        raise VideoError(
            f"{a} lasts {one.end_s:.2f} s; give moments before its end, not {asked_s.max():g} s"
        )
    time_map = align(one, other)
    if out is not None:
        render_aligned(*readers, time_map, Path(out), progress)
    return Aligned(time_map, time_map(asked_s), warnings)


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
