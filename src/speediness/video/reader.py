"""Reading a video: exact times, upright frames, one pass, bounded memory."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from speediness.errors import VideoError
from speediness.video.clock import FrameClock, frame_rate, longest_gap_s
from speediness.video.deinterlace import deinterlaced
from speediness.video.info import VideoInfo
from speediness.video.orientation import Orientation
from speediness.video.resume_point import Keyframe, ResumePoint, find_keyframe, packets_from


@dataclass(frozen=True)
class Frame:
    """One decoded frame, upright."""

    time_s: Fraction
    """Exact presentation time, seconds from the first frame."""
    pixels_HWC: NDArray[np.uint8]
    """Rows, columns, channels (1: luma, full range; 3: RGB), 0..255."""
    scene_HWC: NDArray[np.uint8] | None = None
    """The same frame in RGB at another size, once a second where it is asked for."""


class FrameScaler:
    """Brings decoded frames of one video to a size, upright.

    Args:
        stored_size_px: width and height as stored, with square pixels.
        orientation: how they are turned.
    """

    def __init__(self, stored_size_px: tuple[int, int], orientation: Orientation) -> None:
        self._size_px, self._orientation = stored_size_px, orientation
        self._scaler = VideoReformatter()

    def scaled(self, frame: av.VideoFrame, short_side_px: int | None, channels: int) -> NDArray[np.uint8]:
        """Rows, columns, channels, see :class:`Frame`; None keeps the size."""
        scale = 1.0 if short_side_px is None else short_side_px / min(self._size_px)
        width_px, height_px = (max(round(side * scale), 1) for side in self._size_px)
        scaled = self._scaler.reformat(
            frame,
            width=width_px,
            height=height_px,
            format="gray" if channels == 1 else "rgb24",
            interpolation="AREA",
        )
        pixels = self._orientation.upright(scaled.to_ndarray())
        return np.ascontiguousarray(pixels[:, :, None] if channels == 1 else pixels)

    def frames(
        self,
        decoded: Iterable[tuple[Fraction, av.VideoFrame]],
        short_side_px: int | None,
        channels: int,
        scene_px: int | None,
        after: ResumePoint | None = None,
    ) -> Iterator[Frame]:
        """Frames and their times as :meth:`VideoReader.frames` gives them."""
        if channels not in (1, 3) or (short_side_px is not None and short_side_px < 1):
            raise ValueError("channels is 1 or 3 and short_side_px at least 1")
        next_scene_s = Fraction(int(after.time_s + Fraction(1, 2)) if after else 0) + Fraction(1, 2)
        for time_s, frame in decoded:
            scene_HWC = None
            if scene_px is not None and time_s >= next_scene_s:
                scene_HWC = self.scaled(frame, scene_px, 3)
                next_scene_s = Fraction(int(time_s + Fraction(1, 2))) + Fraction(1, 2)
            yield Frame(time_s, self.scaled(frame, short_side_px, channels), scene_HWC)


class VideoReader:
    """Decodes one video file front to back, as often as asked, from any frame on.

    Attributes:
        path: the file.
        info: what kind of video it is.
        start_s: the first frame's time on the container's own clock; all other times count from it.
        end_s: end of the last frame decoded so far, its time plus its duration.
        warnings: what the last pass had to put up with, for people to read.

    Raises:
        VideoError: missing, not a video, without a frame track, or nothing in it can be decoded.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.warnings: list[str] = []
        self.end_s = Fraction(0)
        with open_media(self.path) as container:
            stream = find_video_stream(container, self.path)
            first = next(self._frames(container.demux(stream)), None)
            if first is None:
                raise VideoError(
                    f"{self.path}: no frame can be decoded; the file is damaged or cut short beyond use, "
                    "get a whole copy"
                )
            self.start_s = _clock(container, stream).stamp(first) or Fraction(0)
            self.info = VideoInfo.of(
                self.path, container, stream, first, self.start_s, first.interlaced_frame
            )

    def decoded(self, after: ResumePoint | None = None) -> Iterator[tuple[Fraction, av.VideoFrame]]:
        """Every frame as decoded: stored size, pixel format and orientation, with its time.

        Times ascend strictly from 0. A frame without a stamp follows its predecessor's duration;
        one stamped no later than its predecessor would never be seen and is left out; a clock that
        starts again mid-file is carried on (see :class:`~speediness.video.clock.FrameClock`).
        A file that breaks off is decoded up to the break, and ``warnings`` says where.

        Args:
            after: give only the frames after this one, the same as in a pass from the start.
                Decoding starts at a key frame before it, or where that is not sure to give the
                same, at the start.

        Raises:
            VideoError: the file vanished or changed since it was opened.
        """
        if after is None:
            yield from self._decoded_from(None)
            return
        with open_media(self.path) as container:
            stream = find_video_stream(container, self.path)
            keyframe = find_keyframe(container, stream, self.start_s, after)
        rest = self._rest(keyframe, after) if keyframe else None
        rest = rest or self._rest(None, after)
        if rest is None:
            raise VideoError(
                f"{self.path}: frame {after.n_frames} is not at {float(after.time_s):.2f} s; "
                "the file has changed, start over"
            )
        yield from rest

    def reference_frames(self, keyframe: Keyframe) -> Iterator[tuple[Fraction, av.VideoFrame]]:
        """Frames as decoded, from a key frame on, but for those that no other frame leans on.

        About half of a usual video are such, and to leave them out halves the time it takes.
        """
        return self._decoded_from(keyframe, glimpse=True)

    def _rest(
        self, keyframe: Keyframe | None, after: ResumePoint
    ) -> Iterator[tuple[Fraction, av.VideoFrame]] | None:
        """Decode up to and with a place; what follows, or None if the place was not met as it was."""
        rest = self._decoded_from(keyframe)
        first = keyframe.n_before if keyframe else 0
        for time_s, _ in islice(rest, after.n_frames - first - 1, None):
            met = time_s == after.time_s and not (keyframe and self.warnings)
            return rest if met else None
        return None

    def _decoded_from(
        self, keyframe: Keyframe | None, glimpse: bool = False
    ) -> Iterator[tuple[Fraction, av.VideoFrame]]:
        """Frames and their times from the start or from a key frame on, then the warnings."""
        self.warnings, self.end_s = [], Fraction(0)
        with open_media(self.path) as container:
            stream = find_video_stream(container, self.path)
            if glimpse:
                stream.codec_context.skip_frame = "NONREF"
            clock = _clock(container, stream)
            if keyframe is None:
                packets = container.demux(stream)
            else:
                packets = packets_from(container, stream, keyframe)
                clock.go_on(self.start_s, keyframe.n_before)
            for frame in deinterlaced(self._frames(packets)):
                if keyframe is not None and frame.pts is not None and frame.pts < keyframe.stamp:
                    continue  # stored after the key frame, shown before it, and perhaps not whole
                time_s = clock.place(frame)
                self.end_s = clock.end_s
                if time_s is not None:
                    yield time_s, frame
        self.warnings += clock.warnings()
        promised_s = self.info.duration_s
        # Headers round, and writers differ about how long the last frame lasts.
        slack_s = 0.1 + 3 / self.info.frame_rate
        if promised_s is not None and not clock.joined and promised_s - self.end_s > slack_s:
            self.warnings.append(
                f"the file is cut short: its header promises {promised_s:.2f} s, "
                f"the video ends at {float(self.end_s):.2f} s"
            )

    def frames(
        self,
        short_side_px: int | None = None,
        channels: int = 3,
        after: ResumePoint | None = None,
        scene_px: int | None = None,
    ) -> Iterator[Frame]:
        """Every frame in order of presentation, upright and with square pixels.

        Args:
            short_side_px: the short side is scaled to this, the long side in proportion;
                None keeps the size of ``info``.
            channels: 1 luma, 3 RGB.
            after: give only the frames after this one, see :meth:`decoded`.
            scene_px: short side of :attr:`Frame.scene_HWC`, which the first frame in the later half of
                every second has; None: no frame.

        Raises:
            VideoError: as :meth:`decoded`.
        """
        scaler = FrameScaler(self.info.stored_size_px, self.info.orientation)
        return scaler.frames(self.decoded(after), short_side_px, channels, scene_px, after)

    def _frames(self, packets: Iterable[av.Packet]) -> Iterator[av.VideoFrame]:
        """Decode what can be decoded; note in ``warnings`` what cannot."""
        damaged = 0
        try:
            for packet in packets:
                try:
                    yield from packet.decode()
                except FFmpegError:
                    damaged += 1
                    if damaged == 1:
                        self.warnings.append(f"damaged data after {float(self.end_s):.2f} s was skipped")
        except FFmpegError as error:
            self.warnings.append(f"reading broke off after {float(self.end_s):.2f} s: {error.strerror}")


def _clock(container: InputContainer, stream: VideoStream) -> FrameClock:
    stamped = container.format.name != "avi"
    return FrameClock(frame_rate(stream), stamped, longest_gap_s(container))


def open_media(path: Path) -> InputContainer:
    """Open a video or sound file.

    Raises:
        VideoError: missing, a folder, empty, unreadable, or nothing FFmpeg knows as a video.
    """
    # A Path has only one of the slashes of http://.
    if re.match(r"[a-z][a-z0-9+.-]+:/", str(path)) and not path.exists():
        raise VideoError(f"{path} is an address, not a file; download the video and name the copy")
    if not path.exists():
        raise VideoError(f"{path} does not exist; check the name")
    if path.is_dir():
        raise VideoError(f"{path} is a folder; name one video file in it")
    if path.is_file() and not path.stat().st_size:
        raise VideoError(f"{path} is empty; copy or record it again")
    try:
        # Absolute, so that a colon in the name is not taken for a protocol.
        container = av.open(str(path.absolute()), metadata_errors="replace")
    except PermissionError as error:
        raise VideoError(f"{path} cannot be read: permission denied; change its permissions") from error
    except (FFmpegError, OSError, ValueError) as error:
        raise VideoError(
            f"{path} is not a video, or is damaged or cut short beyond use; "
            "give a whole MP4, MOV, MKV, WebM, AVI or GIF file"
        ) from error
    # FFmpeg also plays text files (tty) and still frames (image2, png_pipe, ...).
    if container.format.name in ("tty", "image2") or container.format.name.endswith("_pipe"):
        container.close()
        raise VideoError(f"{path} is not a video but a text or a still image; give a video file")
    return container


def find_video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first frame track that moves: cover art does not count."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise VideoError(f"{path} holds no video stream, at most sound or cover art; give a video")
    stream = streams[0]
    if stream.codec_context is None:
        raise VideoError(f"{path} is in a coding this program cannot decode; convert it to H.264 first")
    stream.thread_type = "AUTO"
    return stream
