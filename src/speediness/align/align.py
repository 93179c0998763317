"""From two video files to a map of time, and to both side by side."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from speediness.align.features import FrameFeatures, described, load_features
from speediness.align.render import render_aligned
from speediness.align.warp import TimeMap, align
from speediness.errors import VideoError
from speediness.results.curve import Float64s
from speediness.video.reader import VideoReader
from speediness.video.writer import check_file, check_output


@dataclass(frozen=True, eq=False)
class Aligned:
    """Two videos in step."""

    time_map: TimeMap
    moments_s: Float64s
    """Moments of B that belong to those asked for of A."""
    warnings: tuple[str, ...]
    """What the reader had to put up with."""


def align_videos(
    a: str | Path,
    b: str | Path,
    out: str | Path | None = None,
    *,
    moments_s: Float64s | None = None,
    model: FrameFeatures | None = None,
    force: bool = False,
    progress: Callable[[float, float], None] | None = None,
) -> Aligned:
    """Bring video B into step with video A of the same action.

    Args:
        a: path; plays at its own speed.
        b: path.
        out: an ``.mp4``, ``.mov`` or ``.mkv`` in an existing folder, both side by side; None: none.
        moments_s: moments of A, seconds, to be found in B.
        model: how frames are described; None: the features that are shipped.
        force: replace an existing ``out``.
        progress: called after every frame of ``out`` with seconds written and their total.

    Raises:
        VideoError: a video cannot be read, holds a single frame, or ends before a moment.
        OutputError: ``out`` cannot be written; nothing is left behind.
        WeightsError: the shipped features are missing.
    """
    readers = VideoReader(a), VideoReader(b)
    if out is not None:
        if not Path(out).exists() or not Path(out).samefile(a):
            check_file(Path(out), Path(b), force)
        check_output(Path(out), Path(a), force)
    model = model or load_features()
    one, other = (described(reader, model) for reader in readers)
    warnings = tuple(f"{reader.path.name}: {line}" for reader in readers for line in reader.warnings)
    asked_s = np.zeros(0) if moments_s is None else moments_s
    if len(asked_s) and asked_s.max() > one.end_s:
        raise VideoError(
            f"{a} lasts {one.end_s:.2f} s; give moments before its end, not {asked_s.max():g} s"
        )
    time_map = align(one, other)
    if out is not None:
        render_aligned(*readers, time_map, Path(out), progress)
    return Aligned(time_map, time_map(asked_s), warnings)
