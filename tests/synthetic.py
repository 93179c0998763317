"""Makers of small synthetic videos whose every frame says which one it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # (H, W, 3) RGB
BITS = 12
CLOCK = 90_000


def numbered_frame(number: int, width_px: int = 96, height_px: int = 64) -> Image:
    """Upper half: the number in black and white bars, low bit left. Lower half: a moving square."""
    draw_frame = np.full((height_px, width_px, 3), 96, np.uint8)
    bits = (number >> np.arange(BITS)) & 1
    bar_of_column = np.arange(width_px) * BITS // width_px
    draw_frame[: height_px // 2] = (bits[bar_of_column] * 255).astype(np.uint8)[:, None]
    side = height_px // 4
    left = number * 3 % max(width_px - side, 1)
    draw_frame[height_px * 5 // 8 : height_px * 5 // 8 + side, left : left + side] = (230, 180, 40)
    return draw_frame


def read_number(pixels_HWC: Image) -> int:
    """The number in a frame that may be scaled and compressed; needs it upright, not mirrored."""
    height_px, width_px = pixels_HWC.shape[:2]
    rows = pixels_HWC[height_px // 8 : height_px * 3 // 8]
    middles = ((np.arange(BITS) + 0.5) * width_px / BITS).astype(int)
    return int((((rows[:, middles].mean((0, 2))) > 128) << np.arange(BITS)).sum())


def steady(n_frames: int, rate: Fraction | int = 25, start_s: Fraction | int = 0) -> list[Fraction]:
    """Times of a constant frame rate, one more than frames: the last is the end of the last frame."""
    return [start_s + Fraction(i) / rate for i in range(n_frames + 1)]


def uneven(n_frames: int, seed: int = 0) -> list[Fraction]:
    """Times of a variable frame rate in whole milliseconds, and the end."""
    gaps = np.random.default_rng(seed).integers(8, 90, n_frames)
    return [Fraction(int(t), 1000) for t in np.concatenate([[0], np.cumsum(gaps)])]


PQ, HLG = (1, 9, 9, 16), (1, 9, 9, 18)


def write_gradient(path: Path, colour: tuple[int, int, int, int], mastering: bool = False) -> Path:
    """Write a second of a still grey gradient of 10 bits, each column one level lighter than the last.

    ``colour`` as for :func:`write_video`; ``mastering``: with the data of HDR10 on its makers' screen.
    """
    screen = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    options = {"crf": "4", "x265-params": f"log-level=error{f':{screen}' if mastering else ''}"}
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx265", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 640, 64, "yuv420p10le"
        context = stream.codec_context
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = colour
        planes_HW = np.full((64 * 3 // 2, 640), 512, np.uint16)
        planes_HW[:64] = np.arange(64, 704)
        for _ in range(25):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes_HW, "yuv420p10le")))
        container.mux(stream.encode(None))
    return path


def write_video(
    path: Path,
    times_s: Sequence[Fraction],
    *,
    width_px: int = 96,
    height_px: int = 64,
    draw_frame: Callable[[int], Image] | None = None,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    sound_CN: NDArray[np.float32] | None = None,
    sound_rate_hz: int = 48_000,
    sound_layout: str = "stereo",
    sound_codec: str = "aac",
    sound_start_s: Fraction | int = 0,
    rotate_deg: int = 0,
    mirrored: bool = False,
    pixel_aspect: Fraction | None = None,
    colour: tuple[int, int, int, int] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a video; frame ``i`` is shown from ``times_s[i]`` to ``times_s[i + 1]``.

    ``rotate_deg`` is the anticlockwise turn the player is told to make; ``colour`` is (range,
    matrix, primaries, transfer) as H.273 code points.
    """
    draw = draw_frame or (lambda i: numbered_frame(i, width_px, height_px))
    rate = Fraction(len(times_s) - 1) / (times_s[-1] - times_s[0])
    container = av.open(str(path), "w", options=options or {})
    kwargs: dict[str, Any] = {"options": {"preset": "ultrafast", "crf": "12"}} if codec == "libx264" else {}
    stream: Any = container.add_stream(codec, rate=rate.limit_denominator(1001), **kwargs)
    stream.width, stream.height, stream.pix_fmt = width_px, height_px, pixel_format
    clock = int(rate) if path.suffix == ".avi" else 100 if codec == "gif" else CLOCK
    stream.codec_context.time_base = Fraction(1, clock)
    if pixel_aspect is not None:
        stream.codec_context.sample_aspect_ratio = pixel_aspect
    if colour is not None:
        context = stream.codec_context
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = colour
    if rotate_deg or mirrored:
        stream.set_display_rotation(rotate_deg, hflip=mirrored)
    sound: Any = None
    if sound_CN is not None:
        sound = container.add_stream(sound_codec, rate=sound_rate_hz, layout=sound_layout)
    for i, (time_s, end_s) in enumerate(pairwise(times_s)):
        frame = av.VideoFrame.from_ndarray(draw(i), format="rgb24")
        if colour is not None:
            frame = frame.reformat(format=pixel_format, dst_colorspace=colour[1], dst_color_range=colour[0])
        else:
            frame = frame.reformat(format=pixel_format)
        frame.time_base = Fraction(1, clock)
        frame.pts = round(time_s * clock)
        frame.duration = round(end_s * clock) - frame.pts
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
    if sound is not None and sound_CN is not None:
        _write_sound(container, sound, sound_CN, sound_start_s)
    container.close()
    return path


def _write_sound(
    container: Any, stream: Any, sound_CN: NDArray[np.float32], start_s: Fraction | int
) -> None:
    rate = stream.rate
    resampler = av.AudioResampler(stream.format, stream.layout, rate, stream.frame_size or 1024)
    for at in range(0, sound_CN.shape[1], 4096):
        block = np.ascontiguousarray(sound_CN[:, at : at + 4096])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=stream.layout.name)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = at + round(start_s * rate)
        for piece in resampler.resample(frame):
            container.mux(stream.encode(piece))
    for piece in resampler.resample(None):
        container.mux(stream.encode(piece))
    container.mux(stream.encode(None))


def tone(
    duration_s: float, frequency_hz: float = 440, rate_hz: int = 48_000, channels: int = 2
) -> NDArray[np.float32]:
    """A sine of amplitude 0.5, ``(channels, samples)``."""
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    return np.tile(0.5 * np.sin(2 * np.pi * frequency_hz * time_s), (channels, 1)).astype(np.float32)


def drifting_frame(moved_px: float, width_px: int = 148, height_px: int = 112, seed: int = 0) -> Image:
    """A smooth texture moved to the right, round the edges of the frame; exact for parts of a pixel."""
    grain = np.random.default_rng(seed).normal(size=(height_px, width_px))
    across, down = np.fft.rfftfreq(width_px), np.fft.fftfreq(height_px)[:, None]
    blur = np.exp(-2 * (np.pi * 3) ** 2 * (across**2 + down**2))
    moved = np.exp(-2j * np.pi * across * moved_px)
    texture = np.fft.irfft2(np.fft.rfft2(grain) * blur * moved, (height_px, width_px))
    luma = np.clip(128 + 50 * texture / texture.std(), 0, 255).astype(np.uint8)
    return luma[:, :, None].repeat(3, 2)
