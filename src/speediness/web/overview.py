"""A video in the list of videos: one image, one word."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from speediness.errors import VideoError
from speediness.results.curve import Segment
from speediness.results.labels import Label
from speediness.video.reader import VideoReader
from speediness.video.thumbnails import thumbnails

THUMBNAIL_PX = (256, 144)  # a box; twice what the page shows
QUALITY = 80
SOME = 0.1  # share of the time that is told, from which a label is worth a word


def draw_thumbnail(reader: VideoReader, out_jpg: Path) -> None:
    """Write a small image from the middle of a video, or its first frame where the middle is dear.

    A video that is damaged in the middle has none.
    """
    info = reader.info
    scale = min(box / side for box, side in zip(THUMBNAIL_PX, (info.width_px, info.height_px), strict=True))
    size_px = max(round(info.width_px * scale), 1), max(round(info.height_px * scale), 1)
    try:
        row = thumbnails(reader, info.duration_s, 3, size_px) if info.duration_s else []
        if row:
            image = Image.fromarray(row[len(row) // 2].pixels_HWC)
        else:
            ((_, frame),) = islice(reader.decoded(), 1)
            width_px, height_px = size_px[::-1] if info.orientation.transposed else size_px
            small = frame.reformat(width=width_px, height=height_px, format="rgb24")
            image = Image.fromarray(info.orientation.upright(small.to_ndarray()))
    except VideoError:
        return
    image.save(out_jpg, quality=QUALITY)


def verdict(segments: Sequence[Segment]) -> dict[str, Any]:
    """What a whole video is called.

    Returns:
        ``label``: of most of the time that is told, ``not_sure`` if none is; ``factor``: of that label,
        the geometric mean over time; ``some``: other labels that a tenth of the time or more has.
    """
    told = [segment for segment in segments if segment.label != "not_sure"]
    length_s = np.array([segment.end_s - segment.start_s for segment in told])
    seconds: dict[Label, float] = {}
    for segment, part_s in zip(told, length_s, strict=True):
        seconds[segment.label] = seconds.get(segment.label, 0.0) + float(part_s)
    if not seconds:
        return {"label": "not_sure", "factor": 1.0, "some": []}
    label = max(seconds, key=seconds.__getitem__)
    own = np.array([segment.label == label for segment in told])
    logs = np.log([segment.factor for segment in told])
    factor = float(np.exp(np.average(logs[own], weights=length_s[own])))
    enough_s = SOME * sum(seconds.values())
    some = [other for other, part_s in seconds.items() if other != label and part_s >= enough_s]
    return {"label": label, "factor": round(factor, 2), "some": some}
