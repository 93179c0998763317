"""Videos to measure with: of a given length, size and frame rate, made of real ones.

    python benchmarks/videos.py OUT.mp4 --seconds 60 --size 1920x1080 [--rate 25] [--clips DIR]

Takes up to 8 s of every video in DIR, one shot after the other and over again, at their natural speed;
without DIR, of the bundled clip. What lasts more than a minute repeats its first minute without
encoding it again. Small clips are enlarged, so that the video is easier to decode than a sharp one: a
benchmark that compares with decoding is the harder to pass.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from itertools import count, cycle
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from speediness.video.reader import VideoReader

BUNDLED = Path(__file__).parents[1] / "examples" / "bikes.mp4"
SHOT_S, ENCODED_S = 8, 60
CODING = {"preset": "veryfast", "crf": "23"}
Pixels = NDArray[np.uint8]


def main() -> None:
    """Make one video."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, metavar="OUT.mp4")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--size", default="1920x1080", help="width and height, both even")
    parser.add_argument("--rate", type=Fraction, default=Fraction(25), help="frames a second")
    parser.add_argument("--clips", type=Path, metavar="DIR", help="videos to make it of")
    given = parser.parse_args()
    width_px, height_px = map(int, given.size.split("x"))
    make_video(given.out, given.seconds, (width_px, height_px), given.rate, given.clips)


def make_video(
    out: Path,
    seconds: int,
    size_px: tuple[int, int],
    rate: Fraction = Fraction(25),
    clips: Path | None = None,
) -> None:
    """Write a video, H.264 without sound.

    Args:
        out: an MP4 file.
        seconds: its length.
        size_px: width and height, both even.
        rate: frames a second.
        clips: folder of MP4 videos to take shots from; None: the bundled one.

    Raises:
        VideoError: a clip cannot be read.
        ValueError: there is none.
    """
    if seconds <= ENCODED_S:
        _encode(out, seconds, size_px, rate, clips)
        return
    with tempfile.TemporaryDirectory() as folder:
        minute = Path(folder) / "minute.mp4"
        _encode(minute, ENCODED_S, size_px, rate, clips)
        repeat(minute, out, seconds)


def repeat(video: Path, out: Path, seconds: int) -> None:
    """Write a video that plays another over and over, its packets copied.

    Args:
        video: of constant frame rate; only its frames are taken.
        out: an MP4 file.
        seconds: length of the new video; what would be shown later is left out of its last round.
    """
    with av.open(str(out), "w") as target:
        copy = None
        for turn in count():
            with av.open(str(video)) as source:
                track = source.streams.video[0]
                assert track.duration is not None and track.time_base is not None
                shift = turn * track.duration
                if shift * track.time_base >= seconds:
                    return
                copy = copy or target.add_stream_from_template(track)
                for packet in source.demux(track):
                    if packet.pts is None or packet.dts is None:  # marks the end
                        continue
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    if packet.pts * track.time_base < seconds:
                        packet.stream = copy
                        target.mux(packet)


def _encode(out: Path, seconds: int, size_px: tuple[int, int], rate: Fraction, clips: Path | None) -> None:
    sources = [BUNDLED] if clips is None else sorted(clips.rglob("*.mp4"))
    if not sources:
        raise ValueError(f"no MP4 video lies in {clips}")
    wanted = int(seconds * rate)
    with av.open(str(out), "w") as target:
        stream = target.add_stream("libx264", rate=rate, options=CODING)
        stream.width, stream.height = size_px
        stream.pix_fmt = "yuv420p"
        written = 0
        for source in cycle(sources):
            for pixels in _shot(source, size_px, rate):
                target.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
                written += 1
                if written == wanted:
                    target.mux(stream.encode(None))
                    return


def _shot(source: Path, size_px: tuple[int, int], rate: Fraction) -> Iterator[Pixels]:
    """The first seconds of a video at its natural speed, cut to size; times decide, not frame counts."""
    reader = VideoReader(source)
    shape = reader.info.width_px, reader.info.height_px
    scale = max(Fraction(wanted, given) for wanted, given in zip(size_px, shape, strict=True))
    last: Pixels | None = None
    shown = 0
    for frame in reader.frames(short_side_px=-int(-min(shape) * scale // 1)):
        # A frame is shown until the next one is due.
        while last is not None and shown / rate < min(frame.time_s, SHOT_S):
            yield last
            shown += 1
        if frame.time_s >= SHOT_S:
            return
        last = _cut(frame.pixels_HWC, size_px)
    while last is not None and shown / rate < min(reader.end_s, SHOT_S):
        yield last
        shown += 1


def _cut(pixels_HWC: Pixels, size_px: tuple[int, int]) -> Pixels:
    """The middle of a frame."""
    width_px, height_px = size_px
    top, left = (pixels_HWC.shape[0] - height_px) // 2, (pixels_HWC.shape[1] - width_px) // 2
    return np.ascontiguousarray(pixels_HWC[top : top + height_px, left : left + width_px])


if __name__ == "__main__":
    main()
