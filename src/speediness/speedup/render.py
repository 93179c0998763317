"""From a video and a speed plan to the sped-up video, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

import av
import numpy as np
from numpy.typing import NDArray

from speediness.speed_plan import SpeedPlan
from speediness.speedup.audio import SoundStretcher
from speediness.speedup.frame_choice import blend as blended
from speediness.speedup.frame_choice import choose, standard_rate
from speediness.video.audio_reader import AudioReader
from speediness.video.losses import losses
from speediness.video.reader import VideoReader
from speediness.video.writer import DEFAULT_PRESET, SoundFormat, VideoWriter, check_output, check_preset
from speediness.video.yuv420 import Yuv420Converter

Audio = Literal["stretch", "mute", "drop"]
"""What becomes of the sound: stretched at its pitch, a silent track, or no track."""

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class RenderReport:
    """What was written, measured while writing."""

    frames: int
    frame_rate: Fraction
    duration_s: float
    """Of the frames: frames / frame_rate."""
    audio_samples: int
    """Per channel; 0 without a sound track."""
    audio_end_s: float
    """End of the sound, 0 without a sound track."""
    max_av_error_ms: float
    """Bound on how far sound lies from its frame: the worst wait of a frame for its output
    frame (a frame lasts until the next output frame begins) plus the worst displacement of sound."""
    warnings: tuple[str, ...]
    """What is lost of the source, and what the reader had to put up with."""


def render_speedup(
    video: str | Path,
    plan: SpeedPlan,
    out: str | Path,
    *,
    audio: Audio = "stretch",
    force: bool = False,
    blend: bool = False,
    preset: str = DEFAULT_PRESET,
    progress: Callable[[float, float], None] | None = None,
) -> RenderReport:
    """Play a video by a plan and write it as MP4, sound in step and at its own pitch.

    The output has a constant frame rate (:func:`standard_rate`) and round(duration x rate) frames,
    at least one. Output frame j, shown from j / rate, holds the source frame on screen at the
    plan's moment for its middle, (j + 1/2) / rate: no frame is more than half an output frame
    early or late. Frames come out upright with square pixels; an odd side loses one pixel. The
    sound ends with the frames to the sample, padded or cut by at most half a frame.

    Args:
        video: path or decoded video.
        plan: made from this video.
        out: an ``.mp4`` in an existing folder.
        audio: what becomes of the sound. A video without sound stays without a track.
        force: replace an existing ``out``.
        blend: mix all source frames that an output frame covers instead of showing one.
        preset: how much work x264 puts into small files, ``ultrafast`` to ``veryslow``.
        progress: called after every frame with output seconds written and their total.

    Raises:
        VideoError: the video cannot be read.
        OutputError: there is no such preset, or ``out`` cannot be written; nothing is left behind.
    """
    if audio not in get_args(Audio):
        raise ValueError(f"audio is one of {', '.join(get_args(Audio))}, not {audio!r}")
    video, out = Path(video), Path(out)
    reader = VideoReader(video)
    check_output(out, video, force)
    check_preset(preset)
    rate = standard_rate(reader.info.frame_rate)
    n_frames = max(round(plan.output_duration_s * rate), 1)
    maker = Yuv420Converter(reader.info)
    sound = None if audio == "drop" or not reader.info.has_audio else _Sound(reader, plan, audio)
    frames = _Frames(reader, plan, rate, n_frames, maker, blend)
    size_px, sound_format = (maker.width_px, maker.height_px), sound.format if sound else None
    with VideoWriter(out, size_px, rate, maker.colour, sound_format, preset) as writer:
        writer.write(frames, sound.blocks() if sound else (), n_frames, progress)
        frames.read_rest()
    lost = losses(reader.info, with_sound=audio == "stretch")
    warnings = [*lost, *reader.warnings, *(sound.warnings if sound else [])]
    if abs(plan.source_duration_s - reader.end_s) > 0.1:
        warnings.append(
            f"the plan was made for a video of {plan.source_duration_s:.2f} s, "
            f"this one lasts {float(reader.end_s):.2f} s"
        )
    samples = writer.samples
    return RenderReport(
        frames=writer.frames,
        frame_rate=rate,
        duration_s=float(n_frames / rate),
        audio_samples=samples,
        audio_end_s=samples / sound.format.sample_rate_hz if sound else 0.0,
        max_av_error_ms=1000 * (frames.worst_error_s + (sound.worst_error_s if sound else 0.0)),
        warnings=tuple(warnings),
    )


class _Frames:
    """The output frames in order, and how well they keep to the plan.

    Attributes:
        worst_error_s: longest time so far between a frame's start in the output and the plan's.
            The first frame starts the video whatever the plan says. Blended frames are the mean
            of just the time they are shown in, so there the error is 0.
    """

    def __init__(
        self,
        reader: VideoReader,
        plan: SpeedPlan,
        rate: Fraction,
        n_frames: int,
        maker: Yuv420Converter,
        blend: bool,
    ) -> None:
        self.worst_error_s = 0.0
        self._source = reader.decoded()
        self._plan, self._maker, self._blend = plan, maker, blend
        self._edges_s = np.arange(n_frames + 1) / float(rate)

    def __iter__(self) -> Iterator[av.VideoFrame]:
        if self._blend:
            yield from blended(self._source, self._plan.source_time(self._edges_s), self._maker.make)
            return
        middles_s = (self._edges_s[1:] + self._edges_s[:-1]) / 2
        shown, frame = None, None
        for j, (time_s, frame) in enumerate(choose(self._source, self._plan.source_time(middles_s))):
            if frame is None or frame is not shown:
                shown, frame = frame, self._maker.make(frame)
                if j:
                    planned_s = self._plan.output_time(np.array(float(time_s)))
                    error_s = abs(float(self._edges_s[j] - planned_s))
                    self.worst_error_s = max(self.worst_error_s, error_s)
            yield frame

    def read_rest(self) -> None:
        """Decode what comes after the last frame, so that the reader's warnings are complete."""
        for _ in self._source:
            pass


class _Sound:
    """The output sound."""

    def __init__(self, reader: VideoReader, plan: SpeedPlan, audio: Audio) -> None:
        self._source, self._audio = AudioReader(reader), audio
        self.format = SoundFormat(self._source.sample_rate_hz, self._source.channels)
        self._stretcher = SoundStretcher(plan, self.format.sample_rate_hz, self.format.channels)

    @property
    def worst_error_s(self) -> float:
        return self._stretcher.worst_error_s

    @property
    def warnings(self) -> list[str]:
        return self._source.warnings

    def blocks(self) -> Iterator[Samples]:
        """Pieces ``(channels, samples)``, about as long as the video together."""
        return self._stretcher.stretch(() if self._audio == "mute" else self._source.blocks())
