"""What kind of video a file holds."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from speediness.video.clock import JUMP_S, frame_rate, longest_gap_s
from speediness.video.orientation import Orientation
from speediness.video.sound_tracks import sound_stream

LEAST_BIT_S = 1000  # bits a second; a stream with fewer has a clock that jumps
ENLARGED_PX = 1920  # a side is not enlarged beyond this to make pixels square
MASTERING = ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL")
WIDEST_PIXEL = 8  # a pixel aspect ratio beyond 8:1 is a damaged header


@dataclass(frozen=True)
class ColourTags:
    """How the numbers in a frame mean colours: code points of ITU-T H.273, 2 = unspecified."""

    range: int
    """0 unspecified, 1 limited (16..235), 2 full (0..255)."""
    matrix: int
    primaries: int
    transfer: int


@dataclass(frozen=True)
class VideoInfo:
    """What kind of video a file holds."""

    path: Path
    width_px: int
    """As shown: upright, square pixels."""
    height_px: int
    orientation: Orientation
    """From the stored frame to the upright one."""
    pixel_aspect: Fraction
    """Width of a stored pixel over its height."""
    frame_rate: Fraction
    """Average, frames per second."""
    duration_s: float | None
    """The container's promise for the frames, None if it makes none."""
    pixel_format: str
    bit_depth: int
    codec: str
    colour: ColourTags
    has_audio: bool
    mastering_data: bool = False
    """Whether HDR carries mastering data: the display it was graded on, its brightest light."""
    interlaced: bool = False
    """Whether frames are stored as two fields; they are read deinterlaced."""
    audio_rate_hz: int = 0
    audio_channels: int = 0
    audio_layout: str = ""

    @property
    def rotation_deg(self) -> int:
        """Clockwise turn that makes the stored frame upright."""
        return self.orientation.rotation_deg

    @property
    def stored_size_px(self) -> tuple[int, int]:
        """(width, height) with square pixels, before the turn."""
        if self.orientation.transposed:
            return self.height_px, self.width_px
        return self.width_px, self.height_px

    @classmethod
    def of(
        cls,
        path: Path,
        container: InputContainer,
        stream: VideoStream,
        first: av.VideoFrame,
        start_s: Fraction,
        interlaced: bool = False,
    ) -> VideoInfo:
        """Gather what the container and the first decoded frame, stamped ``start_s``, say."""
        orientation = Orientation.of_frame(first)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        if not Fraction(1, WIDEST_PIXEL) <= aspect <= WIDEST_PIXEL:
            aspect = Fraction(1)
        width_px, height_px = _square(first.width, first.height, aspect)
        if orientation.transposed:
            width_px, height_px = height_px, width_px
        sound = sound_stream(container)
        return cls(
            path=path,
            width_px=width_px,
            height_px=height_px,
            orientation=orientation,
            pixel_aspect=aspect,
            frame_rate=frame_rate(stream),
            duration_s=_promised_duration_s(container, stream, start_s),
            pixel_format=first.format.name,
            bit_depth=bit_depth(first.format),
            codec=stream.codec_context.name,
            colour=ColourTags(
                range=int(first.color_range),
                matrix=int(first.colorspace),
                primaries=int(first.color_primaries),
                transfer=int(first.color_trc),
            ),
            mastering_data=any(first.side_data.get(kind) for kind in MASTERING),
            has_audio=sound is not None,
            interlaced=interlaced,
            audio_rate_hz=sound.rate if sound else 0,
            audio_channels=sound.channels if sound else 0,
            audio_layout=sound.layout.name if sound else "",
        )


def bit_depth(pixels: av.VideoFormat) -> int:
    """Bits a channel."""
    return max(component.bits for component in pixels.components)


def _square(width_px: int, height_px: int, aspect: Fraction) -> tuple[int, int]:
    """The size with square pixels: small frames grow, so that no detail is lost, large ones shrink."""
    if aspect == 1:
        return width_px, height_px
    wide, tall = round(width_px * max(aspect, 1)), round(height_px / min(aspect, 1))
    if max(wide, tall) <= max(ENLARGED_PX, width_px, height_px):
        return wide, tall
    return max(round(width_px * min(aspect, 1)), 1), max(round(height_px / max(aspect, 1)), 1)


def _promised_duration_s(container: InputContainer, stream: VideoStream, start_s: Fraction) -> float | None:
    """How long the frame track claims to be.

    A track's own header ignores its edit list, the container's header heeds it but covers the
    sound too: the shorter of the two is the promise. Matroska tells a track's length in a tag,
    and states ends rather than lengths.
    """
    whole_s = container.duration / av.time_base if container.duration else None
    track_s = None
    if stream.duration and stream.time_base:
        track_s = float(stream.duration * stream.time_base)
    elif tag := stream.metadata.get("DURATION"):
        with contextlib.suppress(ValueError):  # a damaged tag promises nothing
            hours, minutes, seconds = tag.split(":")
            track_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if whole_s and longest_gap_s(container) == JUMP_S and container.size * 8 < LEAST_BIT_S * whole_s:
        return None
    known = [length for length in (whole_s, track_s) if length]
    if not known or (track_s is None and container.streams.audio):
        return None
    late_s = float(start_s) if "matroska" in container.format.name else 0.0
    return min(known) - late_s
