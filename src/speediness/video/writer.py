"""Writing a video: H.264 and AAC in MP4, beside its final name until it is whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from speediness.errors import OutputError
from speediness.video.info import ColourTags
from speediness.video.read_ahead import read_ahead

CRF = 19  # x264's scale: 23 is its default, 18 is commonly taken for visually lossless
PRESETS = (
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
)  # x264's, fastest first; its "placebo" is what the name says
# LOOK_AHEAD spends more bits on what later frames are copied from; "superfast" leaves it out although
# it costs next to nothing. Measured on seven videos with CRF 17 to 21, both together take 40 to 70 % of the
# CPU time of "veryfast"; at equal SSIM the file is up to 20 % larger (one video that was nearly lossless
# anyway: 60 %), with plain "superfast" 20 to 30 % (65 %).
DEFAULT_PRESET = "superfast"
LOOK_AHEAD = {"mbtree": "1", "rc-lookahead": "10"}
SOUND_BITS_PER_CHANNEL = 96_000
# Frames of 3 MB at 1080p, or blocks of 0.15 s; more gain nothing, the encoder has a queue of its own.
AHEAD = 4


def check_preset(preset: str) -> None:
    """Refuse a preset that x264 does not have.

    Raises:
        OutputError: not one of ``PRESETS``.
    """
    if preset not in PRESETS:
        raise OutputError(f"there is no preset {preset!r}; choose one of {', '.join(PRESETS)}")


def check_output(out: Path, source: Path, force: bool = False) -> None:
    """Refuse an output that cannot or must not be written, before any work is done.

    Args:
        out: where the video is to go.
        source: the video it is made from.
        force: an existing output may be replaced.

    Raises:
        OutputError: not an MP4 name, no such folder or no permission, the source itself, or there
            already.
    """
    if out.suffix.lower() != ".mp4":
        raise OutputError(f"{out}: only MP4 videos are written; give a name that ends in .mp4")
    if not out.parent.is_dir():
        raise OutputError(f"the folder {out.parent} does not exist; make it first or choose another")
    if out.is_dir():
        raise OutputError(f"{out} is a folder; choose another name")
    if out.exists():
        if source.exists() and out.samefile(source):
            raise OutputError(f"{out} is the video itself, which must stay; choose another name")
        if not force:
            raise OutputError(f"{out} exists already; choose another name or use --force to replace it")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise OutputError(f"no permission to write in {out.parent}; choose another folder")


@dataclass(frozen=True)
class SoundFormat:
    """What kind of sound track to write."""

    sample_rate_hz: int
    channels: int
    """1 or 2."""

    @property
    def layout(self) -> str:
        """FFmpeg's name for the channels."""
        return "mono" if self.channels == 1 else "stereo"


class VideoWriter:
    """Writes one video at a constant frame rate; a context manager.

    Leaving the ``with`` block in peace puts the video in place; leaving it by any exception,
    Ctrl-C included, removes what was written.

    Attributes:
        frames: frames written so far.
        samples: samples per channel written so far.

    Args:
        out: final path; see :func:`check_output`.
        size_px: width and height, both even.
        frame_rate: frame j is shown at exactly ``j / frame_rate`` seconds.
        colour: tags to write.
        sound: None for a video without a sound track.
        preset: one of ``PRESETS``: a slower one writes fewer bytes of the same quality.
        crf: quality on x264's scale, lower is better.

    Raises:
        OutputError: there is no such preset, the file cannot be made, or the disk is full; by all methods.
    """

    def __init__(
        self,
        out: Path,
        size_px: tuple[int, int],
        frame_rate: Fraction,
        colour: ColourTags,
        sound: SoundFormat | None = None,
        preset: str = DEFAULT_PRESET,
        crf: int = CRF,
    ) -> None:
        check_preset(preset)
        self.frames = self.samples = 0
        self._out, self._frame_rate, self._sound = out, frame_rate, sound
        self._partial = out.with_name(out.name + ".partial")
        with self._errors_named():
            self._container = av.open(
                str(self._partial.absolute()), "w", format="mp4", options={"movflags": "+faststart"}
            )
        extra = LOOK_AHEAD if preset == DEFAULT_PRESET else {}
        self._frames = self._container.add_stream(
            "libx264", rate=frame_rate, options={"preset": preset, "crf": str(crf), **extra}
        )
        self._frames.width, self._frames.height = size_px
        self._frames.pix_fmt = "yuv420p"
        context = self._frames.codec_context
        context.color_range, context.colorspace = colour.range, colour.matrix
        context.color_primaries, context.color_trc = colour.primaries, colour.transfer
        if sound is not None:
            self._waves = self._container.add_stream("aac", rate=sound.sample_rate_hz, layout=sound.layout)
            self._waves.bit_rate = SOUND_BITS_PER_CHANNEL * sound.channels

    def __enter__(self) -> Self:
        """Nothing to do: the file is open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the video in place, or remove what was written."""
        try:
            if kind is None:
                with self._errors_named():
                    self._finish()
        finally:
            # Gone first, so that closing a video nobody wants does not rewrite it for faststart.
            with suppress(PermissionError):  # Windows removes no file that is open
                self._partial.unlink(missing_ok=True)
            with suppress(FFmpegError, OSError):
                self._container.close()
            self._partial.unlink(missing_ok=True)

    def write(
        self,
        frames: Iterable[av.VideoFrame],
        sound: Iterable[NDArray[np.float32]],
        n_frames: int,
        progress: Callable[[float, float], None] | None = None,
    ) -> None:
        """Append frames and, in step with them, sound; each is made ahead in a thread of its own.

        Args:
            frames: as many as ``n_frames``.
            sound: blocks as for :meth:`add_sound`, cut or padded with silence to the length of the
                frames; ignored without a sound track.
            n_frames: frames there will be.
            progress: called after every frame with seconds written and their total.
        """
        length_s = float(n_frames / self._frame_rate)
        rate_hz = self._sound.sample_rate_hz if self._sound else 0
        total = round(length_s * rate_hz)
        blocks = _exactly(total, self._sound.channels, sound) if self._sound else ()
        with read_ahead(frames, AHEAD) as made, read_ahead(blocks, AHEAD) as heard:
            for frame in made:
                self.add_frame(frame)
                written_s = float(self.frames / self._frame_rate)
                while self.samples < min(written_s * rate_hz, total):
                    self.add_sound(next(heard))
                if progress is not None:
                    progress(written_s, length_s)

    def add_frame(self, frame: av.VideoFrame) -> None:
        """Append a yuv420p frame; it may be given again."""
        frame.pts, frame.time_base = self.frames, 1 / self._frame_rate
        frame.pict_type = 0  # else the encoder repeats the source's choice of key frames
        self.frames += 1
        with self._errors_named():
            self._container.mux(self._frames.encode(frame))

    def add_sound(self, samples_CN: NDArray[np.float32]) -> None:
        """Append samples ``(channels, samples)``; what exceeds -1..1 is clipped."""
        assert self._sound is not None
        block = np.ascontiguousarray(np.clip(samples_CN, -1, 1), np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=self._sound.layout)
        frame.sample_rate = self._sound.sample_rate_hz
        frame.pts, frame.time_base = self.samples, Fraction(1, self._sound.sample_rate_hz)
        self.samples += block.shape[1]
        with self._errors_named():
            self._container.mux(self._waves.encode(frame))

    def _finish(self) -> None:
        self._container.mux(self._frames.encode(None))
        if self._sound is not None:
            self._container.mux(self._waves.encode(None))
        self._container.close()
        os.replace(self._partial, self._out)

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except (FFmpegError, OSError) as error:
            raise OutputError(
                f"cannot write {self._out}: {error.strerror or error}; "
                "free some space or choose another folder"
            ) from error


def _exactly(
    total: int, channels: int, blocks: Iterable[NDArray[np.float32]]
) -> Iterator[NDArray[np.float32]]:
    """The same sound cut or padded with silence to ``total`` samples."""
    for block in blocks:
        block = block[:, :total]
        total -= block.shape[1]
        yield block
    yield np.zeros((channels, total), np.float32)
