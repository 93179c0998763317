"""Draws docs/images/align.png: one action at two paces, by the clock, and as it is aligned."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from PIL import Image

from speediness.align.align import align_videos
from speediness.evaluation.alignment import FOLLOWED_RATE, Pixels, drawn
from speediness.video.reader import VideoReader

OUT = Path(__file__).parent.parent / "docs" / "images" / "align.png"
ACTION, COLUMNS = 1, 8


def main() -> None:
    """Write the image."""
    planted = next(islice(drawn(), ACTION, None))
    with TemporaryDirectory() as folder:
        a, b, out = (Path(folder) / name for name in ("a.mp4", "b.mp4", "both.mp4"))
        encode(a, planted.again)
        encode(b, planted.frames)
        align_videos(a, b, out)
        both = np.stack([frame.pixels_HWC for frame in VideoReader(out).frames()])
    width = both.shape[2] // 2
    numbers = np.linspace(0, len(both) - 1, COLUMNS).round().astype(int)
    rows = [both[numbers, :, :width], planted.frames[numbers], both[numbers, :, width:]]
    sheet = Image.fromarray(np.concatenate([np.concatenate(list(row), 1) for row in rows]))
    small = sheet.resize((sheet.width // 3, sheet.height // 3), Image.Resampling.LANCZOS)
    small.quantize(64).save(OUT, optimize=True)


def encode(path: Path, frames: Pixels) -> None:
    """Write frames as H.264."""
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=int(FOLLOWED_RATE), options={"crf": "18"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        target.mux(stream.encode(None))


if __name__ == "__main__":
    main()
