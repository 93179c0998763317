"""Storing a video anew: one encoder, one quality, one placing of key frames; given, or drawn at random.

Whoever plays a video fast skips frames of a file that was compressed at its natural rate; blocks and key
frames then pass faster too, and give the speed away without any look at motion. Copies made by another
encoder at another quality, with key frames elsewhere, take that from them.
"""

# F frames of H x W x C

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.error import FFmpegError
from av.video.frame import PictureType

from speediness.datasets.decoded_video import DecodedVideo, decode_video
from speediness.errors import OutputError, VideoError

CLOCK_HZ = 60_000  # MPEG-4 counts no finer than 65535; 24, 25, 30, 60 and 30000/1001 fps are whole ticks
KEY_FRAMES_APART = 15


@dataclass(frozen=True)
class Encoding:
    """How a video is stored."""

    encoder: str = "libx264"
    """FFmpeg's name."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Of the encoder."""
    suffix: str = ".mp4"
    """Says the container."""
    key_frames_from: int | None = None
    """Number of the first frame made a key frame beside frame 0; the others follow KEY_FRAMES_APART
    apart. None leaves it to the encoder."""
    declared_rate: float = 1.0
    """Frame rate in the header over the true one; the stamps stay true."""

    @property
    def is_available(self) -> bool:
        """Whether this build of FFmpeg has the encoder."""
        try:
            av.Codec(self.encoder, "w")
        except UnknownCodecError:
            return False
        return True

    def store(
        self,
        video: DecodedVideo,
        folder: Path,
        short_side_px: int,
        channels: int | None = None,
        scene_px: int | None = None,
    ) -> DecodedVideo:
        """The video as the product's reader sees it after it was stored this way.

        Args:
            video: what to store; an odd last row or column is left out, as 4:2:0 must.
            folder: where the file lies for a moment.
            short_side_px: read at this size.
            channels: read with so many; None: as many as before.
            scene_px: see :func:`speediness.datasets.decoded_video.decode_video`.

        Raises:
            OutputError: it cannot be written, perhaps for want of space.
            VideoError: what was written cannot be read.
        """
        path = folder / f"copy{self.suffix}"
        try:
            try:
                self._write(video, path)
            except (FFmpegError, OSError) as error:
                raise OutputError(
                    f"cannot store a copy of {video.item.path.name} in {folder}: "
                    f"{error.strerror or error}; "
                    "free some space or name another folder in TMPDIR"
                ) from error
            copy = replace(video.item, path=path, frame_rate=None)
            wanted = video.frames_FHWC.shape[-1] if channels is None else channels
            return replace(decode_video(copy, short_side_px, wanted, scene_px), item=video.item)
        finally:
            path.unlink(missing_ok=True)

    def _write(self, video: DecodedVideo, path: Path) -> None:
        frames, height, width, channels = video.frames_FHWC.shape
        rate = Fraction((frames - 1) / video.end_s * self.declared_rate).limit_denominator(1001)
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream(self.encoder, rate=rate, options=dict(self.options))
            stream.width, stream.height = width // 2 * 2, height // 2 * 2
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, CLOCK_HZ)
            # With more, what some encoders write depends on how many cores there are.
            stream.codec_context.thread_count = 1
            for number, (time_s, pixels) in enumerate(zip(video.times_s, video.frames_FHWC, strict=True)):
                even = np.ascontiguousarray(pixels[: stream.height, : stream.width])
                frame = (
                    av.VideoFrame.from_ndarray(even[:, :, 0], format="gray")
                    if channels == 1
                    else av.VideoFrame.from_ndarray(even, format="rgb24")
                ).reformat(format="yuv420p")
                frame.pts, frame.time_base = round(time_s * CLOCK_HZ), Fraction(1, CLOCK_HZ)
                if self.key_frames_from is not None and number % KEY_FRAMES_APART == self.key_frames_from:
                    frame.pict_type = PictureType.I
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))


# x264's scale: 18 is visually lossless, 23 its default, at 36 blocks are plain to see. MPEG-4's
# quantisers span about the same. H.265 and VP9 are left to the audit, as codecs never trained on.
H264_QUALITY, MPEG4_QUANTISER = (20, 37), (3, 13)
KEY_FRAME_EVERY = (8, 250)


def draw_encoding(rng: np.random.Generator) -> Encoding:
    """An encoder, its quality, and how often it makes a key frame."""
    options = {"g": str(int(np.exp(rng.uniform(*np.log(KEY_FRAME_EVERY)))))}
    if rng.random() < 0.7:
        quality, in_between = int(rng.integers(*H264_QUALITY)), int(rng.integers(4))
        # Its look-ahead reads past the edge of a frame: one copy in 300 came out otherwise.
        options |= {"preset": "veryfast", "crf": str(quality), "bf": str(in_between), "rc-lookahead": "0"}
        return Encoding("libx264", options)
    quantiser = str(rng.integers(*MPEG4_QUANTISER))
    return Encoding("mpeg4", options | {"qmin": quantiser, "qmax": quantiser})


def recompress(video: DecodedVideo, seed: int) -> DecodedVideo:
    """All frames of a video, at their own times, as they look after a random encoding.

    It is at the size at which it is wanted; an odd last row or column is left out.

    Raises:
        VideoError: the copy cannot be read.
    """
    encoding = draw_encoding(np.random.default_rng(seed))
    short_side_px = min(video.frames_FHWC.shape[1:3]) // 2 * 2
    with tempfile.TemporaryDirectory() as folder:
        copy = encoding.store(video, Path(folder), short_side_px)
    if len(copy.frames_FHWC) != len(video.frames_FHWC):
        raise VideoError(
            f"{video.item.path}: a copy by {encoding.encoder} lost frames; leave the video out"
        )
    return DecodedVideo(video.item, video.times_s, copy.frames_FHWC)
