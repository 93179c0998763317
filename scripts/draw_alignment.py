"""Draws docs/images/align.png: one action at two paces, by the clock, and as it is aligned."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from PIL import Image

from speediness.align.align import align_videos
from speediness.align.features import Pixels
from speediness.evaluation.moving_shapes import ACTIONS, draw
from speediness.video.reader import VideoReader

OUT = Path(__file__).parent.parent / "docs" / "images" / "align.png"
ACTION, FRAMES, COLUMNS = "cross", 40, 7


def main() -> None:
    """Write the image."""
    places = np.linspace(0, 1, FRAMES)
    leading, following = (
        np.stack(draw(ACTION, ACTIONS[ACTION], 12, pace).frames) for pace in (places, places**0.45)
    )
    with TemporaryDirectory() as folder:
        a, b, out = (Path(folder) / name for name in ("a.mp4", "b.mp4", "both.mp4"))
        encode(a, leading)
        encode(b, following)
        align_videos(a, b, out)
        both = np.stack([frame.pixels_HWC for frame in VideoReader(out).frames()])
    numbers = np.linspace(0, FRAMES - 1, COLUMNS).round().astype(int)
    rows = [leading[numbers], following[numbers], both[numbers, :, both.shape[2] // 2 :]]
    sheet = Image.fromarray(np.concatenate([np.concatenate(list(row), 1) for row in rows]))
    small = sheet.resize((sheet.width // 3, sheet.height // 3), Image.Resampling.LANCZOS)
    small.quantize(64).save(OUT, optimize=True)


def encode(path: Path, frames: Pixels) -> None:
    """Write frames as H.264."""
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=25, options={"crf": "18"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        target.mux(stream.encode(None))


if __name__ == "__main__":
    main()
