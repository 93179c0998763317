"""Small images of videos as JPEG, made without decoding all of them."""

from contextlib import suppress
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from speediness.video.reader import VideoReader, find_video_stream, open_media

LONG_SIDE_PX = 96
QUALITY = 5  # of FFmpeg's MJPEG encoder: 1 best, 31 worst


def window_images(reader: VideoReader, moments_s: NDArray[np.float64]) -> list[bytes]:
    """For each moment, ascending, the nearest key frame as JPEG, upright.

    Key frames alone take a tenth of the time that all frames do, and usually come every few seconds and at
    every cut. Where none can be decoded there are no bytes.
    """
    shown: list[tuple[float, bytes]] = []
    with open_media(reader.path) as container, suppress(FFmpegError):
        stream = find_video_stream(container, reader.path)
        stream.codec_context.skip_frame = "NONKEY"
        for frame in container.decode(stream):
            time_s = float((frame.pts or 0) * (frame.time_base or 0) - reader.start_s)
            shown.append((time_s, jpeg(upright(reader, frame, LONG_SIDE_PX))))
    if not shown:
        return [b""] * len(moments_s)
    shown.sort(key=lambda key: key[0])
    borders_s = [(before[0] + after[0]) / 2 for before, after in pairwise(shown)]
    return [shown[n][1] for n in np.searchsorted(np.array(borders_s), moments_s)]


def upright(reader: VideoReader, frame: av.VideoFrame, long_side_px: int) -> NDArray[np.uint8]:
    """A decoded frame as RGB (H, W, 3), upright, both sides even, at most so large."""
    info = reader.info
    scale = min(long_side_px / max(info.width_px, info.height_px), 1)
    width_px, height_px = (max(round(side * scale / 2) * 2, 2) for side in info.stored_size_px)
    small = VideoReformatter().reformat(
        frame, width=width_px, height=height_px, format="rgb24", interpolation="AREA"
    )
    return np.ascontiguousarray(info.orientation.upright(small.to_ndarray()), np.uint8)


def jpeg(pixels_HWC: NDArray[np.uint8]) -> bytes:
    """RGB (H, W, 3) with even sides as a JPEG file."""
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.height, encoder.width = pixels_HWC.shape[:2]
    encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 25)
    encoder.qmin = encoder.qmax = QUALITY
    image = av.VideoFrame.from_ndarray(pixels_HWC, format="rgb24").reformat(format="yuvj420p")
    return b"".join(bytes(packet) for packet in [*encoder.encode(image), *encoder.encode(None)])
