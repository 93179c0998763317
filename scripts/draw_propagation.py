"""Draws docs/images/propagate.png: shapes that cross, their true masks, and those that were carried."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from PIL import Image

from speediness.evaluation.moving_shapes import moving_shapes
from speediness.evaluation.propagation import by_affinity
from speediness.propagate.mask_files import Labels
from speediness.propagate.render import MaskPainter
from speediness.propagate.track import load_features
from speediness.video.yuv420 import BT709

OUT = Path(__file__).parent.parent / "docs" / "images" / "propagate.png"
EVERY = 7


def main() -> None:
    """Write the image."""
    sequence = next(one for one in moving_shapes() if one.name == "cross")
    carried = by_affinity(sequence.frames, sequence.masks[0], load_features())
    numbers = range(0, len(sequence.frames), EVERY)
    rows = [
        np.concatenate([sequence.frames[n] for n in numbers], 1),
        np.concatenate([painted(sequence.frames[n], sequence.masks[n]) for n in numbers], 1),
        np.concatenate([painted(sequence.frames[n], carried[n]) for n in numbers], 1),
    ]
    sheet = Image.fromarray(np.concatenate(rows))
    small = sheet.resize((sheet.width // 2, sheet.height // 2), Image.Resampling.LANCZOS)
    small.quantize(64).save(OUT, optimize=True)


def painted(frame_HWC: np.ndarray, labels_HW: Labels) -> np.ndarray:
    """The frame with its objects in colour, as the command paints them."""
    frame = av.VideoFrame.from_ndarray(frame_HWC, format="rgb24")
    yuv = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
    return MaskPainter(BT709, 720).paint(yuv, labels_HW).to_rgb(src_colorspace="ITU709").to_ndarray()


if __name__ == "__main__":
    main()
