"""Reading a video: exact times, upright pictures, one pass, bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from speediness.errors import VideoError


@dataclass(frozen=True)
class Frame:
    """One decoded picture, upright."""

    time_s: Fraction
    """Exact presentation time."""
    pixels_HWC: NDArray[np.uint8]
    """Rows, columns, channels (1: luma, 3: RGB), 0..255."""


class VideoReader:
    """Decodes one video file front to back."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def frames(self, short_side_px: int | None = None, channels: int = 3) -> Iterator[Frame]:
        """Every frame in order of presentation, the short side scaled to ``short_side_px``."""
        with av.open(str(self.path)) as container:
            if not container.streams.video:
                raise VideoError(f"{self.path} holds no video stream")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for frame in container.decode(stream):
                assert frame.pts is not None and frame.time_base is not None
                scale = 1.0 if short_side_px is None else short_side_px / min(frame.width, frame.height)
                scaled = frame.reformat(
                    width=round(frame.width * scale),
                    height=round(frame.height * scale),
                    format="gray" if channels == 1 else "rgb24",
                    interpolation="AREA",
                )
                pixels = scaled.to_ndarray()
                pixels = pixels[:, :, None] if channels == 1 else pixels
                if frame.rotation:
                    pixels = np.rot90(pixels, round(frame.rotation / 90))
                yield Frame(frame.pts * frame.time_base, np.ascontiguousarray(pixels))
