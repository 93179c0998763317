"""From a video and a speed plan to the sped-up video, in one pass."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from speediness.results.plan import SpeedPlan
from speediness.speedup.audio import SoundStretcher
from speediness.video.audio_reader import AudioReader
from speediness.video.coding import ENCODERS, Coding
from speediness.video.extras import Extras
from speediness.video.frame_choice import blend as blended
from speediness.video.frame_choice import choose, standard_rate
from speediness.video.losses import losses
from speediness.video.reader import VideoReader, open_media
from speediness.video.sound_tracks import SoundTrack, sound_tracks, wanted_tracks
from speediness.video.writer import SoundFormat, VideoWriter, check_output
from speediness.video.yuv420 import Yuv420Converter

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class RenderReport:
    """What was written, measured while writing."""

    frames: int
    frame_rate: Fraction
    duration_s: float
    """Of the frames: frames / frame_rate."""
    audio_samples: int
    """Per channel of the main sound track; 0 without one."""
    audio_end_s: float
    """End of the main sound track, 0 without one."""
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
    audio: str = "all",
    force: bool = False,
    blend: bool = False,
    coding: Coding | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> RenderReport:
    """Play a video by a plan and write it, sound in step and at its own pitch.

    The output has a constant frame rate (:func:`standard_rate`) and round(duration x rate) frames,
    at least one. Output frame j, shown from j / rate, holds the source frame on screen at the
    plan's moment for its middle, (j + 1/2) / rate: no frame is more than half an output frame
    early or late. Frames come out upright with square pixels; an odd side loses one pixel. The
    sound ends with the frames to the sample, padded or cut by at most half a frame. Subtitles of
    text, chapters and tags of the file go along.

    Args:
        video: path or decoded video.
        plan: made from this video.
        out: an ``.mp4``, ``.mov`` or ``.mkv`` in an existing folder.
        audio: which sound tracks are kept, the one that players take first: ``all``, ``first``, ``none``,
            numbers as the file counts them such as ``1,3``, or ``mute``: the first, silent.
        force: replace an existing ``out``.
        blend: mix all source frames that an output frame covers instead of showing one.
        coding: how frames are encoded; HEVC and AV1 keep 10 bits where the video has them.
        progress: called after every frame with output seconds written and their total.

    Raises:
        VideoError: the video cannot be read.
        OutputError: there are no such tracks, or ``out`` cannot be written; nothing is left behind.
    """
    video, out = Path(video), Path(out)
    reader = VideoReader(video)
    check_output(out, video, force, coding)
    tracks = chosen_tracks(video, audio)
    rate = standard_rate(reader.info.frame_rate)
    n_frames = max(round(plan.output_duration_s * rate), 1)
    coding = (coding or Coding()).of_source(reader.info.bit_depth)
    maker = Yuv420Converter(reader.info, coding.pixel_format)
    sounds = [_Sound(reader, plan, track, audio == "mute", k == 0) for k, track in enumerate(tracks)]
    extras = Extras.read(video, reader.start_s).mapped(plan.output_time)
    frames = _Frames(reader, plan, rate, n_frames, maker, blend)
    size_px, forms = (maker.width_px, maker.height_px), [sound.format for sound in sounds]
    with VideoWriter(out, size_px, rate, maker.colour, forms, coding, extras) as writer:
        writer.write(frames, [sound.blocks() for sound in sounds], n_frames, progress)
        frames.read_rest()
    lost = losses(reader.info, out, audio)
    if coding.hardware and coding.encoder(size_px) in ENCODERS.values():
        lost = [*lost, f"no graphics processor here encodes {coding.codec}: the processor did"]
    warnings = [*lost, *reader.warnings, *(warning for sound in sounds for warning in sound.warnings)]
    if abs(plan.source_duration_s - reader.end_s) > 0.1:
        warnings.append(
            f"the plan was made for a video of {plan.source_duration_s:.2f} s, "
            f"this one lasts {float(reader.end_s):.2f} s"
        )
    return RenderReport(
        frames=writer.frames,
        frame_rate=rate,
        duration_s=float(n_frames / rate),
        audio_samples=writer.samples[0] if sounds else 0,
        audio_end_s=writer.samples[0] / forms[0].sample_rate_hz if sounds else 0.0,
        max_av_error_ms=1000
        * (frames.worst_error_s + max((sound.worst_error_s for sound in sounds), default=0.0)),
        warnings=tuple(warnings),
    )


def chosen_tracks(video: Path, audio: str) -> list[SoundTrack]:
    """The sound tracks of a video that a choice means, see :func:`render_speedup`.

    Raises:
        VideoError: the video cannot be read.
        OutputError: there are no such tracks.
    """
    with open_media(video) as container:
        return wanted_tracks(sound_tracks(container), audio, video)


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
    """One sound track of the output; the main one is what players take."""

    def __init__(
        self, reader: VideoReader, plan: SpeedPlan, track: SoundTrack, mute: bool, main: bool
    ) -> None:
        self._source, self._mute = AudioReader(reader, track), mute
        default = Disposition.default if main else Disposition(0)
        self.format = SoundFormat(
            self._source.sample_rate_hz,
            self._source.channels,
            track.tags,
            track.disposition & ~Disposition.default | default,
        )
        self._stretcher = SoundStretcher(plan, self.format.sample_rate_hz, self.format.channels)

    @property
    def worst_error_s(self) -> float:
        return self._stretcher.worst_error_s

    @property
    def warnings(self) -> list[str]:
        return self._source.warnings

    def blocks(self) -> Iterator[Samples]:
        """Pieces ``(channels, samples)``, about as long as the video together."""
        return self._stretcher.stretch(() if self._mute else self._source.blocks())
