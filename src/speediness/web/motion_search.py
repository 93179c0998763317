"""Where things move as they do in a stretch of an analysed video: in it, and in all others.

In the video itself as ``speediness search VIDEO`` finds it, elsewhere as in a library; from the features
kept with each analysis, so that a folder needs no index.
"""

# C columns

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from speediness.corpus.vectors import query_vectors, unit_vectors, window_middles_s, window_spans_s
from speediness.errors import DataError, SpeedinessError
from speediness.results.archive import features_from_arrays, from_bytes
from speediness.results.features import MotionFeatures
from speediness.search.hits import Hit, non_max_suppression
from speediness.search.likeness import ALIKE, MEASURED, Likeness
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
    """Search for a stretch of a video (seconds) in it and in others, analysed by the same network.

    Videos are given by their features, files written by the jobs that analysed them.

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
    graph = compare(cut_query(video, start_s, end_s), video)
    known = {path: _load(path) for path in others}
    windows = [_windows(path, features) for path, features in known.items() if features is not None]
    return Alike(
        graph_columns(graph, video.duration_s),
        peaks(graph, asked, MOST_FOUND, (start_s, end_s)),
        _elsewhere(query_vectors(video, start_s, end_s), _windows(asked, video), windows),
        [path for path, features in known.items() if features is None],
    )


class _Windows(NamedTuple):
    """Those of a video that a library would hold."""

    path: Path
    spans_s: NDArray[np.float64]
    vectors_ND: NDArray[np.float32]


def _windows(path: Path, features: MotionFeatures) -> _Windows:
    middles_s = window_middles_s(features)
    vectors_ND = unit_vectors(features, middles_s)
    told = vectors_ND.any(1)
    return _Windows(path, window_spans_s(features, middles_s[told]), vectors_ND[told])


def _elsewhere(query_QD: NDArray[np.float32], own: _Windows, others: Sequence[_Windows]) -> list[Hit]:
    """The most alike windows of other videos, what all have in common left aside."""
    others = [video for video in others if video.vectors_ND.shape[1] == query_QD.shape[1]]
    if not others:
        return []
    likeness = Likeness.of(np.concatenate([video.vectors_ND for video in (own, *others)])[:MEASURED])
    paths = [video.path for video in others for _ in video.spans_s]
    spans_s = np.concatenate([video.spans_s for video in others])
    alike = likeness.to(query_QD, np.concatenate([video.vectors_ND for video in others]))
    kept = np.flatnonzero(alike >= ALIKE)
    best = non_max_suppression([paths[n] for n in kept], spans_s[kept], alike[kept], MOST_FOUND)
    return [Hit(paths[n], float(spans_s[n, 0]), float(spans_s[n, 1]), float(alike[n])) for n in kept[best]]


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
