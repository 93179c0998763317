"""A video stored anew at a random quality, so that compression cannot tell a network the speed.

Whoever plays a video fast skips frames of a file that was compressed at its natural rate; blocks
and key frames then pass faster too, and give the speed away without any look at motion. Copies
made by another encoder at another quality, with key frames elsewhere, take that from them.
"""

import tempfile
from pathlib import Path

import numpy as np

from speediness.datasets.decoded_video import DecodedVideo
from speediness.datasets.encoding import Encoding
from speediness.errors import VideoError

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
    """The video as it looks after a random encoding; all of its frames, at their own times.

    Args:
        video: at the size at which it is wanted; an odd last row or column is left out.
        seed: decides the encoding.

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
