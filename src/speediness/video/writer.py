"""Writing a video, its sound tracks and what goes with them, beside its final name until it is whole."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.error import FFmpegError
from av.stream import Disposition
from numpy.typing import NDArray

from speediness.errors import OutputError
from speediness.video.coding import CONTAINERS, Coding, usual_priority
from speediness.video.extras import Extras, add_extras, write_texts
from speediness.video.info import ColourTags
from speediness.video.read_ahead import read_ahead

SOUND_BITS_PER_CHANNEL = 96_000
# Frames of 3 MB at 1080p, or blocks of 0.15 s; more gain nothing, the encoder has a queue of its own.
AHEAD = 4


def check_output(out: Path, source: Path, force: bool = False, coding: Coding | None = None) -> None:
    """Refuse a video that cannot or must not be written, before any work is done.

    It is made from ``source``; ``force``: an existing output may be replaced.

    Raises:
        OutputError: a container that is not written, or as :func:`check_file`.
    """
    (coding or Coding()).check_container(out)
    check_file(out, source, force)


def check_file(out: Path, source: Path, force: bool = False) -> None:
    """Refuse a file that cannot or must not be written, before any work is done.

    Raises:
        OutputError: no such folder or no permission, the source itself, or there already.
    """
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
    tags: dict[str, str] = field(default_factory=dict[str, str])
    """Language and title."""
    disposition: Disposition = Disposition.default
    """What a player is told of it."""

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
        samples: samples per channel written so far, for each sound track.

    Args:
        out: final path, see :func:`check_output`; its ending says which container.
        size_px: width and height, both even.
        frame_rate: frame j is shown at exactly ``j / frame_rate`` seconds, in MKV rounded to milliseconds.
        colour: tags to write.
        sounds: the sound tracks.
        coding: of the frames.
        extras: subtitles, chapters and tags, at the times of this video.

    Raises:
        OutputError: the container cannot hold this, the file cannot be made, or the disk is full; by all
            methods.
    """

    def __init__(
        self,
        out: Path,
        size_px: tuple[int, int],
        frame_rate: Fraction,
        colour: ColourTags,
        sounds: Sequence[SoundFormat] = (),
        coding: Coding | None = None,
        extras: Extras | None = None,
    ) -> None:
        coding = coding or Coding()
        coding.check_container(out)
        self.frames, self.samples = 0, [0] * len(sounds)
        self._out, self._frame_rate, self._sounds = out, frame_rate, sounds
        self._extras = extras or Extras()
        self._partial = out.with_name(out.name + ".partial")
        kind = CONTAINERS[out.suffix.lower()]
        options = {} if kind == "matroska" else {"movflags": "+faststart"}
        with self._errors_named():
            self._container = av.open(str(self._partial.absolute()), "w", format=kind, options=options)
        self._frames = coding.add_stream(self._container, size_px, frame_rate)
        self._frames.metadata.update(self._extras.video_tags)
        context = self._frames.codec_context
        context.color_range, context.colorspace = colour.range, colour.matrix
        context.color_primaries, context.color_trc = colour.primaries, colour.transfer
        self._waves: list[Any] = [self._add_sound_track(sound) for sound in sounds]
        self._texts = add_extras(self._container, self._extras)

    def _add_sound_track(self, sound: SoundFormat) -> Any:
        stream = self._container.add_stream("aac", rate=sound.sample_rate_hz, layout=sound.layout)
        stream.bit_rate = SOUND_BITS_PER_CHANNEL * sound.channels
        stream.metadata.update(sound.tags)
        stream.disposition = sound.disposition
        return stream

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
        sounds: Sequence[Iterable[NDArray[np.float32]]],
        n_frames: int,
        progress: Callable[[float, float], None] | None = None,
    ) -> None:
        """Append frames and, in step with them, sound; each is made ahead in a thread of its own.

        Args:
            frames: as many as ``n_frames``.
            sounds: for each sound track blocks as for :meth:`add_sound`, cut or padded with silence to
                the length of the frames.
            n_frames: frames there will be.
            progress: called after every frame with seconds written and their total.
        """
        length_s = float(n_frames / self._frame_rate)
        totals = [round(length_s * sound.sample_rate_hz) for sound in self._sounds]
        with ExitStack() as stack:
            heard = [
                stack.enter_context(read_ahead(_exactly(total, sound.channels, blocks), AHEAD))
                for total, sound, blocks in zip(totals, self._sounds, sounds, strict=True)
            ]
            for frame in stack.enter_context(read_ahead(frames, AHEAD)):
                self.add_frame(frame)
                written_s = float(self.frames / self._frame_rate)
                for k, (sound, total) in enumerate(zip(self._sounds, totals, strict=True)):
                    while self.samples[k] < min(written_s * sound.sample_rate_hz, total):
                        self.add_sound(next(heard[k]), k)
                if progress is not None:
                    progress(written_s, length_s)

    def add_frame(self, frame: av.VideoFrame) -> None:
        """Append a frame of the coding's pixel format; it may be given again."""
        frame.pts, frame.time_base = self.frames, 1 / self._frame_rate
        frame.pict_type = 0  # else the encoder repeats the source's choice of key frames
        self.frames += 1
        first = self.frames == 1  # it starts the encoder
        with self._errors_named(), usual_priority() if first else nullcontext():
            self._write_texts()
            self._container.mux(self._frames.encode(frame))

    def add_sound(self, samples_CN: NDArray[np.float32], track: int = 0) -> None:
        """Append samples ``(channels, samples)`` to a track; what exceeds -1..1 is clipped."""
        form = self._sounds[track]
        block = np.ascontiguousarray(np.clip(samples_CN, -1, 1), np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=form.layout)
        frame.sample_rate = form.sample_rate_hz
        frame.pts, frame.time_base = self.samples[track], Fraction(1, form.sample_rate_hz)
        self.samples[track] += block.shape[1]
        with self._errors_named():
            self._container.mux(self._waves[track].encode(frame))

    def _write_texts(self) -> None:
        """All at the start: a track in which nothing is said yet must hold up no other."""
        if self._texts:
            write_texts(self._container, self._texts, self._extras)
            self._texts = []

    def _finish(self) -> None:
        for stream in (self._frames, *self._waves):
            self._container.mux(stream.encode(None))
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
