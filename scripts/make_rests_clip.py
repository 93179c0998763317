"""Makes examples/rests.mp4: a person who stands, walks, stands and walks, for 22 seconds.

    python scripts/make_rests_clip.py examples/rests.mp4

All of it is drawn by this project, and plays as fast as it happened.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import av
import numpy as np

from speediness.simulation.render import render
from speediness.simulation.stage import side_view
from speediness.simulation.walk import walk

RESTS_S = ((-1.0, 6.5), (11.5, 17.5))
DURATION_S, RATE, SIZE_PX, SHARE = 22, 25, (480, 270), 0.35
CODING = {"crf": "24", "preset": "slow"}


def main() -> None:
    """Draw and encode it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    stage = side_view(walk(3, DURATION_S, RESTS_S), SHARE, seed=3)
    with av.open(str(given.out), "w") as target:
        stream = target.add_stream("libx264", rate=RATE, options=CODING)
        stream.width, stream.height = SIZE_PX
        stream.pix_fmt = "yuv420p"
        for number in range(DURATION_S * RATE):
            (image,) = render(stage, np.array([number / RATE]), *SIZE_PX)
            frame = av.VideoFrame.from_ndarray(image.repeat(3, 2), "rgb24")
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))


if __name__ == "__main__":
    main()
