"""Where in a video things move as they do in a stretch of it, or of another (SpeedNet §5.4.2)."""

# N steps of a video, Q steps of the query, D features

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speediness.errors import SpeedinessError
from speediness.results.features import MotionFeatures
from speediness.search.hits import Hit, non_max_suppression

STEP_S = 1 / 16
"""From one step of a sequence to the next: half as far as the features of speednet-small are apart."""
SMOOTHED_S = 3 * STEP_S  # a step between two features takes in both
LEAST = 0.3
"""Similarity from which a stretch counts as a find; docs/search.md has what others give. Chosen, as
SMOOTHED_S was, on videos that benchmarks/repetitions.py measures."""
BLOCK = 4096  # stretches compared at a time


@dataclass(frozen=True)
class Graph:
    """How much every stretch of a video, as long as the query, moves like the query."""

    starts_s: NDArray[np.float64]
    """(M,) ascending; the stretches lie inside shots."""
    similarity: NDArray[np.float32]
    """(M,) correlation of the features, -1..1."""
    length_s: float
    """Of the query."""


def cut_query(features: MotionFeatures, start_s: float, end_s: float) -> NDArray[np.float32]:
    """(Q, D) features of a stretch, step by step.

    Raises:
        SpeedinessError: no such stretch, a cut lies in it, or nothing is known of how things move.
    """
    if not features.vectors.any():
        raise SpeedinessError("nothing is known of how things move in so short a video; give a longer one")
    if not 0 <= start_s < end_s or start_s >= features.duration_s:
        raise SpeedinessError(
            f"{start_s:g} to {end_s:g} s is no stretch of a video of {features.duration_s:.2f} s; "
            "give its start and end in seconds, such as 12.0-12.6"
        )
    end_s = min(end_s, features.duration_s)
    for cut_s in features.shot_starts_s[1:]:
        if start_s + STEP_S < cut_s < end_s - STEP_S:
            raise SpeedinessError(f"there is a cut at {cut_s:.2f} s; give a stretch before it or after it")
    count = max(1, round((end_s - start_s) / STEP_S))
    middles_s = (start_s + (np.arange(count) + 0.5) * STEP_S).astype(np.float64)
    return features.means(middles_s, SMOOTHED_S)


def compare(query_QD: NDArray[np.float32], video: MotionFeatures) -> Graph:
    """Slide a query over a video.

    Paper: distance of the features of single windows. Here: of sequences, step by step, so that a query
    has a beginning and an end; and less the video's mean, so that what all of it has in common does
    not count.
    """
    length = len(query_QD)
    if query_QD.shape[1] != video.vectors.shape[1]:  # a video too short for the network has no features
        return Graph(np.zeros(0), np.zeros(0, np.float32), length * STEP_S)
    mean_D = video.vectors.mean(0, dtype=np.float64).astype(np.float32)
    query_QD = query_QD - mean_D
    query_norm = float(np.linalg.norm(query_QD))
    shots_s = [
        np.arange(start_s + STEP_S / 2, end_s, STEP_S)
        for start_s, end_s in video.shots_s
        if end_s - start_s > (length - 0.5) * STEP_S
    ]
    if not shots_s:
        return Graph(np.zeros(0), np.zeros(0, np.float32), length * STEP_S)
    starts: list[NDArray[np.float64]] = []
    found: list[NDArray[np.float32]] = []
    all_ND = video.means(np.concatenate(shots_s), SMOOTHED_S) - mean_D
    for steps_s in shots_s:
        video_ND, all_ND = all_ND[: len(steps_s)], all_ND[len(steps_s) :]
        count = len(steps_s) - length + 1
        powers = np.concatenate([[0], np.cumsum(np.square(video_ND, dtype=np.float64).sum(1))])
        norms = np.sqrt(np.maximum(powers[length:] - powers[:-length], 0)) * query_norm
        dots = _dots(video_ND, query_QD)
        starts.append(steps_s[:count] - STEP_S / 2)
        found.append(np.where(norms > 1e-6, dots / np.maximum(norms, 1e-6), 0).astype(np.float32))
    return Graph(np.concatenate(starts), np.concatenate(found), length * STEP_S)


def _dots(video_ND: NDArray[np.float32], query_QD: NDArray[np.float32]) -> NDArray[np.float32]:
    """Dot product of the query with every stretch as long; in blocks, for memory's sake."""
    length = len(query_QD)
    count = len(video_ND) - length + 1
    dots = np.zeros(count, np.float32)
    for start in range(0, count, BLOCK):
        block = dots[start : start + BLOCK]
        products_NQ = video_ND[start : start + len(block) + length - 1] @ query_QD.T
        for q in range(length):
            block += products_NQ[q : q + len(block), q]
    return dots


def peaks(
    graph: Graph,
    video: Path,
    most: int,
    but: tuple[float, float] | None = None,
    least: float = LEAST,
) -> list[Hit]:
    """The best stretches; two of them share no more than half, as repetitions a little quicker do.

    Nothing found shares more than half with the stretch ``but`` (seconds), the query itself; all are at
    least as similar as ``least``.
    """
    quarter_s = graph.length_s / 4
    likely = graph.similarity >= least
    if but is not None:
        likely &= np.abs(graph.starts_s - but[0]) >= 2 * quarter_s - STEP_S / 2
    starts_s, similarity = graph.starts_s[likely], graph.similarity[likely]
    middle_halves_s = np.stack([starts_s + quarter_s, starts_s + 3 * quarter_s], 1)
    return [
        Hit(video, float(starts_s[n]), float(starts_s[n] + graph.length_s), float(similarity[n]))
        for n in non_max_suppression([video] * len(similarity), middle_halves_s, similarity, most)
    ]
