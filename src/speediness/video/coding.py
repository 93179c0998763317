"""How a video is encoded: codec, quality and effort, and the containers that hold it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from speediness.errors import OutputError, suggest

CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""FFmpeg's name of the container by the ending of a file."""
ENCODERS = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1"}
HARDWARE = {
    "nvenc": {"rc": "vbr", "cq": "{}", "b": "0"},
    "videotoolbox": {"q:v": "{}"},
    "qsv": {"global_quality": "{}"},
    "amf": {"rc": "cqp", "qp_i": "{}", "qp_p": "{}"},
}
"""Encoders of graphics processors in the order in which they are tried, and how they are told a quality.

VAAPI is left out: it takes frames that lie in its own memory already, which PyAV does not make.
"""
QUALITY = 19  # x264's scale: 23 is its default, 18 is commonly taken for visually lossless
WORST_QUALITY = 51
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
)  # x264's and x265's, fastest first; their "placebo" is what the name says
WORST_AV1 = 63
FASTEST_AV1 = 10  # SVT-AV1 counts its presets down from 13; 11 and more are for calls
# LOOK_AHEAD spends more bits on what later frames are copied from; "superfast" leaves it out although
# it costs next to nothing. Measured on seven videos with CRF 17 to 21, both together take 40 to 70 % of the
# CPU time of "veryfast"; at equal SSIM the file is up to 20 % larger (one video that was nearly lossless
# anyway: 60 %), with plain "superfast" 20 to 30 % (65 %).
DEFAULT_PRESET = "superfast"
LOOK_AHEAD = {"mbtree": "1", "rc-lookahead": "10"}


@dataclass(frozen=True)
class Coding:
    """How frames are encoded.

    Raises:
        OutputError: no such codec, quality or preset.
    """

    codec: str = "h264"
    """One of ``ENCODERS``."""
    quality: int = QUALITY
    """On x264's scale, 0 to 51, lower is better; for the other codecs about the same is meant."""
    preset: str = DEFAULT_PRESET
    """One of ``PRESETS``: a slower one writes fewer bytes of the same quality."""
    hardware: bool = False
    """Let the graphics processor encode, where one can; else as without."""
    bits: int = 8
    """A channel, 8 or 10."""

    def __post_init__(self) -> None:
        """Refuse what no encoder has."""
        if self.codec not in ENCODERS:
            raise OutputError(f"there is no codec {self.codec!r}; {suggest(self.codec, ENCODERS)}")
        if not 0 <= self.quality <= WORST_QUALITY:
            raise OutputError(f"there is no quality {self.quality}; choose 0, the best, to {WORST_QUALITY}")
        if self.preset not in PRESETS:
            raise OutputError(f"there is no preset {self.preset!r}; choose one of {', '.join(PRESETS)}")

    @classmethod
    def parse(cls, text: str) -> Coding:
        """``hevc``, ``hevc:23`` or ``hevc-gpu``: a codec, its quality unless the usual one, and by whom.

        Raises:
            OutputError: as the class.
        """
        codec, colon, quality = text.partition(":")
        if colon and not quality.isdecimal():
            raise OutputError(f"there is no quality {quality!r}; choose 0, the best, to {WORST_QUALITY}")
        name = codec.removesuffix("-gpu").replace("h265", "hevc")
        return cls(name, int(quality) if colon else QUALITY, hardware=codec.endswith("-gpu"))

    def of_source(self, bits: int) -> Coding:
        """The same with 10 bits where the source has more than 8; few players decode H.264 of 10."""
        return replace(self, bits=8 if bits <= 8 or self.codec == "h264" else 10)

    @property
    def pixel_format(self) -> str:
        """FFmpeg's name of the frames that are encoded."""
        return "yuv420p" if self.bits == 8 else "yuv420p10le"

    def check_container(self, out: Path) -> None:
        """Refuse a name whose container cannot hold this.

        Raises:
            OutputError: an ending that is not one of ``CONTAINERS``, or AV1 in MOV.
        """
        if out.suffix.lower() not in CONTAINERS:
            raise OutputError(f"{out}: give a video to write a name that ends in {', '.join(CONTAINERS)}")
        if self.codec == "av1" and out.suffix.lower() == ".mov":
            raise OutputError(f"{out}: MOV holds no AV1; give a name that ends in .mp4 or .mkv")

    def encoder(self, size_px: tuple[int, int]) -> str:
        """The encoder for frames of a size: of the graphics processor if that is wanted and works."""
        names = [f"{self.codec}_{kind}" for kind in HARDWARE] if self.hardware else []
        return next((name for name in names if self._opens(name, size_px)), ENCODERS[self.codec])

    def add_stream(self, container: Any, size_px: tuple[int, int], rate: Fraction) -> Any:
        """Declare the frames in a file that is to be written: width and height, and frames a second."""
        name = self.encoder(size_px)
        stream = container.add_stream(name, rate=rate, options=self._options(name))
        stream.width, stream.height = size_px
        stream.pix_fmt = self._pixel_format(name)
        if self.codec == "hevc" and container.format.name != "matroska":
            stream.codec_context.codec_tag = "hvc1"  # what Apple's players look for
        return stream

    def _options(self, encoder: str) -> dict[str, str]:
        kind = encoder.rpartition("_")[2]
        if kind in HARDWARE:
            # Scales of nvenc, qsv and amf are x264's, more or less; videotoolbox has 1 to 100, the best.
            quality = 100 - 2 * self.quality if kind == "videotoolbox" else self.quality
            return {key: value.format(max(quality, 1)) for key, value in HARDWARE[kind].items()}
        # SVT-AV1 and x265 would write their settings to stderr.
        os.environ.setdefault("SVT_LOG", "1")
        options = {"preset": self.preset, "crf": str(self._crf())}
        if self.codec == "av1":
            options["preset"] = str(FASTEST_AV1 - PRESETS.index(self.preset))
        elif self.codec == "hevc":
            options["x265-params"] = "log-level=error"
        elif self.preset == DEFAULT_PRESET:
            options |= LOOK_AHEAD
        return options

    def _crf(self) -> int:
        """The quality on the scale of the encoder; PSNR within 2.5 dB of x264's, measured."""
        if self.codec == "hevc":
            return min(self.quality + 1, WORST_QUALITY)
        if self.codec == "av1":
            return min(max(round(32 + 3.2 * (self.quality - QUALITY)), 1), WORST_AV1)
        return self.quality

    def _opens(self, encoder: str, size_px: tuple[int, int]) -> bool:
        """Whether an encoder is there and willing; that FFmpeg knows its name does not say so."""
        try:
            context: Any = av.CodecContext.create(encoder, "w")
            context.width, context.height = size_px
            context.pix_fmt, context.time_base = self._pixel_format(encoder), Fraction(1, 25)
            context.open()
        except (FFmpegError, ValueError):
            return False
        return True

    def _pixel_format(self, encoder: str) -> str:
        """What an encoder takes; some of graphics processors want chroma interleaved."""
        kind = encoder.rpartition("_")[2]
        if self.bits > 8:
            return "p010le" if kind in HARDWARE else self.pixel_format
        return "nv12" if kind == "qsv" else self.pixel_format


@contextmanager
def usual_priority() -> Iterator[None]:
    """Undo what SVT-AV1 does as root when it starts: its threads and the caller's go before all else.

    Two such threads that wait for a third process, busily, hold up a whole machine of two cores.
    """
    if not hasattr(os, "sched_setscheduler"):  # Linux alone is concerned
        yield
        return
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    yield
    for thread in map(int, os.listdir("/proc/self/task")):
        with suppress(OSError):  # it has ended meanwhile
            if os.sched_getscheduler(thread) == os.SCHED_FIFO:
                os.sched_setscheduler(thread, policy, priority)
