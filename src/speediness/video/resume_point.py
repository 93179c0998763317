"""Finding the way back to a place in a video without decoding all that comes before it."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from speediness.video.clock import NEVER_S, RESTART_S

# Containers whose index says exactly where key frames are, and that stamp every frame.
INDEXED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
# Decoding starts this long before the place, so that frames that still lean on what came before
# the key frame, as in an open group of frames, are over when it is reached.
MARGIN_S = 2


@dataclass(frozen=True)
class ResumePoint:
    """The last frame a reader of a video has taken.

    A place is worth keeping only while :attr:`~speediness.video.reader.VideoReader.warnings` is
    empty: what a resumed pass did not decode it cannot warn of.
    """

    time_s: Fraction
    """Its time, as :class:`~speediness.video.reader.Frame` gives it."""
    n_frames: int
    """Frames taken so far, this one included; at least 1."""

    def __post_init__(self) -> None:
        """Refuse what no frame can be."""
        if self.n_frames < 1 or self.time_s < 0:
            raise ValueError("a place is at least one frame into the video")


@dataclass(frozen=True)
class Keyframe:
    """A key frame from which a place can be reached."""

    stamp: int
    """Presentation stamp on the container's own clock, in ticks of the stream."""
    n_before: int
    """Frames shown before it."""


def find_keyframe(
    container: InputContainer, stream: VideoStream, start_s: Fraction, place: ResumePoint
) -> Keyframe | None:
    """Look for the last key frame well before a place, decoding nothing.

    Reads all packets up to the place: as many frames must be stored there as frames were given.
    A frame left out for its stamp, a damaged one or a clock that starts again would show.

    Args:
        container: just opened.
        stream: the frame track.
        start_s: the first frame's time on the container's clock.
        place: where to go on.

    Returns:
        None where only decoding from the start is sure to give the same frames.
    """
    if container.format.name not in INDEXED or stream.time_base is None:
        return None
    tick_s = stream.time_base
    wanted = (start_s + place.time_s) / tick_s
    n_shown = n_until = n_before = 0
    latest: int | None = None
    key: int | None = None
    try:
        for packet in container.demux(stream):
            if packet.is_discard or not packet.size:  # cut off by an edit list; the end of the file
                continue
            stamp = packet.pts
            if stamp is None or packet.is_corrupt:
                return None
            if latest is not None and not -NEVER_S <= (latest - stamp) * tick_s < RESTART_S:
                return None
            in_order = latest is None or stamp > latest
            if packet.is_keyframe and in_order and (wanted - stamp) * tick_s >= MARGIN_S:
                key, n_before = stamp, n_shown
            elif key is not None and stamp < key:  # stored after the key frame, shown before it
                n_before += 1
            n_shown += 1
            n_until += stamp <= wanted
            latest = stamp if in_order else latest
            if (stamp - wanted) * tick_s > RESTART_S:
                break
    except FFmpegError:
        return None
    return Keyframe(key, n_before) if key is not None and n_before and n_until == place.n_frames else None


def keyframe_before(
    container: InputContainer, stream: VideoStream, start_s: Fraction, time_s: float
) -> tuple[float, Keyframe] | None:
    """The last key frame before a moment, and its time, as the container's index has it.

    Nothing but its packet is read, so what is shown before it is not counted (``n_before`` is 0).

    Returns:
        None where the index is not sure to be right.
    """
    tick_s = stream.time_base
    if container.format.name not in INDEXED or tick_s is None:
        return None
    container.seek(round((start_s + Fraction(time_s)) / tick_s), stream=stream)
    packet = next((packet for packet in container.demux(stream) if packet.pts is not None), None)
    if packet is None or packet.pts is None or not packet.is_keyframe:
        return None
    return float(packet.pts * tick_s - start_s), Keyframe(packet.pts, 0)


def packets_from(container: InputContainer, stream: VideoStream, keyframe: Keyframe) -> Iterator[av.Packet]:
    """The packets from a key frame on; none if it is not where the index says."""
    container.seek(keyframe.stamp, stream=stream)
    packets = container.demux(stream)
    for packet in packets:
        if packet.pts == keyframe.stamp and packet.is_keyframe:
            yield packet
            yield from packets
        elif packet.pts is None or packet.pts >= keyframe.stamp:
            return
