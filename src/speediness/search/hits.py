"""What a search finds, and which of several finds at one place counts."""

# N finds

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from speediness.results.curve import Label


@dataclass(frozen=True)
class Hit:
    """A stretch of a video that moves like the query."""

    path: Path
    """Full path of the video."""
    start_s: float
    end_s: float
    similarity: float
    """Mean cosine between the features of the two, -1..1."""
    label: Label | None = None
    """How the stretch plays; None: it was not asked."""


def non_max_suppression(
    videos: Sequence[object], spans_s: ArrayLike, similarity: ArrayLike, most: int | None = None
) -> list[int]:
    """Non-maximum suppression in time: best first, none that overlaps a better one of its video.

    Args:
        videos: (N,) what tells the videos apart.
        spans_s: (N, 2) start and end of each find.
        similarity: (N,) of equal ones the earlier in the list counts as better.
        most: how many to give at most.

    Returns:
        Numbers of those that stay, in falling similarity.
    """
    spans = np.asarray(spans_s, np.float64).reshape(-1, 2)
    taken: dict[object, list[NDArray[np.float64]]] = {}
    kept: list[int] = []
    for n in np.argsort(-np.asarray(similarity), kind="stable"):
        if most is not None and len(kept) >= most:
            break
        start_s, end_s = spans[n]
        in_video = taken.setdefault(videos[n], [])
        if all(start_s >= other[1] or end_s <= other[0] for other in in_video):
            in_video.append(spans[n])
            kept.append(int(n))
    return kept
