"""Where things move as they do in a stretch of an analysed video: in it, and in all others.

Compared exactly, from the features kept with each analysis; a folder needs no index.
"""

# C columns

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from speediness.errors import DataError, SpeedinessError
from speediness.results.archive import features_from_arrays, from_bytes
from speediness.results.features import MotionFeatures
from speediness.search.hits import Hit
from speediness.search.within import STEP_S, Graph, compare, cut_query, peaks

MOST_QUERY_S = 30.0
"""Longest stretch to look for: time grows with it."""
MOST_FOUND = 10
COLUMNS = 1000


@dataclass(frozen=True)
class Alike:
    """What moves like a stretch of a video."""

    graph: list[float | None]
    """(C,) similarity over the video itself in equal columns, the highest of each; None: none there."""
    here: list[Hit]
    """In the video itself, the best first."""
    elsewhere: list[Hit]
    """In others, the best first."""
    unread: list[Path]
    """Features of others that are missing or damaged."""


def find_alike(asked: Path, others: Sequence[Path], start_s: float, end_s: float) -> Alike:
    """Search for a stretch of a video.

    Args:
        asked: features of the video, a file written by the job that analysed it.
        others: of other videos to search, made by the same network.
        start_s: of the stretch, seconds.
        end_s: of the stretch.

    Returns:
        Hits whose ``path`` is that of the features.

    Raises:
        SpeedinessError: no such stretch, too long a one, or a cut lies in it.
        DataError: the features of the video cannot be read.
    """
    if end_s - start_s > MOST_QUERY_S:
        raise SpeedinessError(f"that is longer than {MOST_QUERY_S:g} s; mark a shorter stretch")
    video = _load(asked)
    if video is None:
        raise DataError("what was kept of this video cannot be read; analyse it again")
    query_QD = cut_query(video, start_s, end_s)
    graph = compare(query_QD, video)
    elsewhere: list[Hit] = []
    unread = []
    for path in others:
        other = _load(path)
        if other is None:
            unread.append(path)
            continue
        found = peaks(compare(query_QD, other), path, MOST_FOUND)
        elsewhere = sorted([*elsewhere, *found], key=lambda hit: -hit.similarity)[:MOST_FOUND]
    return Alike(
        graph_columns(graph, video.duration_s),
        peaks(graph, asked, MOST_FOUND, (start_s, end_s)),
        elsewhere,
        unread,
    )


def graph_columns(graph: Graph, duration_s: float) -> list[float | None]:
    """(C,) highest similarity in each of at most ``COLUMNS`` equal parts of a video, by middles."""
    count = min(max(int(duration_s / STEP_S), 1), COLUMNS)
    highest = np.full(count, -np.inf)
    columns = ((graph.starts_s + graph.length_s / 2) / duration_s * count).astype(np.int64)
    np.maximum.at(highest, np.minimum(columns, count - 1), graph.similarity)
    return [round(float(value), 3) if np.isfinite(value) else None for value in highest]


def _load(path: Path) -> MotionFeatures | None:
    """None: missing or damaged."""
    try:
        arrays = from_bytes(path.read_bytes())
    except OSError:
        return None
    return None if arrays is None else features_from_arrays(arrays)
