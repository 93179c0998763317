"""The whole videos that mutants are made of: small, of many containers and codings, made on the spot."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from synthetic import drifting_frame, tone

SECONDS, RATE = 3, 15
WIDTH_PX, HEIGHT_PX = 128, 96  # a size that H.263 knows
STEP_PX = 2.0  # by which the texture moves from frame to frame
SOUND_HZ = 16_000


@dataclass(frozen=True)
class Seed:
    """One kind of file."""

    name: str
    """Its ending names the container."""
    codec: str
    pixel_format: str = "yuv420p"
    sound: str | None = "aac"
    rate: int = RATE
    format: str | None = None
    """FFmpeg's name of the container, where the ending does not say it."""
    options: dict[str, str] = field(default_factory=dict)
    """Of the container."""


SEEDS = (
    Seed("h264.mp4", "libx264"),
    Seed("h264-fragments.mp4", "libx264", options={"movflags": "frag_keyframe+empty_moov"}),
    Seed("hevc10.mp4", "libx265", "yuv420p10le", None),
    Seed("mjpeg.mov", "mjpeg", "yuvj420p", "pcm_s16le"),
    Seed("h264.mkv", "libx264", sound="libopus"),
    Seed("ffv1.mkv", "ffv1", "yuv444p", "flac"),
    Seed("vp9.webm", "libvpx-vp9", sound="libopus"),
    Seed("mpeg4.avi", "mpeg4", sound="libmp3lame"),
    Seed("h264.ts", "libx264"),
    Seed("mpeg2.mpg", "mpeg2video", sound="mp2", rate=25, format="mpeg"),
    Seed("flv1.flv", "flv", sound=None),
    Seed("wmv2.wmv", "wmv2", sound=None, format="asf"),
    Seed("vp8.ogv", "libvpx", sound=None),
    Seed("mpeg2.mxf", "mpeg2video", sound=None, rate=25),
    Seed("h263.3gp", "h263", rate=30, sound="aac"),
    Seed("mpeg4.nut", "mpeg4", sound="mp2"),
    Seed("animation.gif", "gif", "rgb8", None, rate=10),
    Seed("raw.h264", "libx264", sound=None),
)


def make(seed: Seed, folder: Path) -> Path:
    """Write one video."""
    path = folder / seed.name
    with av.open(str(path), "w", format=seed.format, options=seed.options) as container:
        small = {"preset": "ultrafast", "crf": "30", "g": "15", "x265-params": "log-level=none"}
        stream: Any = container.add_stream(
            seed.codec, rate=seed.rate, options=small if seed.codec.startswith("libx26") else {"g": "15"}
        )
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, seed.pixel_format
        sound: Any = seed.sound and container.add_stream(seed.sound, rate=SOUND_HZ, layout="mono")
        for n in range(SECONDS * seed.rate):
            pixels_HWC = drifting_frame(STEP_PX * n, WIDTH_PX, HEIGHT_PX)
            frame = av.VideoFrame.from_ndarray(pixels_HWC, format="rgb24")
            container.mux(stream.encode(frame.reformat(format=seed.pixel_format)))
        container.mux(stream.encode(None))
        if sound:
            _write_sound(container, sound)
    return path


def _write_sound(container: Any, stream: Any) -> None:
    sound_1N = tone(SECONDS, rate_hz=SOUND_HZ, channels=1)
    block = av.AudioFrame.from_ndarray(sound_1N, format="fltp", layout="mono")
    block.sample_rate, block.pts = SOUND_HZ, 0
    resampler = av.AudioResampler(stream.format, "mono", SOUND_HZ, stream.frame_size or 1024)
    for piece in (*resampler.resample(block), *resampler.resample(None)):
        container.mux(stream.encode(piece))
    container.mux(stream.encode(None))
