from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from speediness.errors import SpeedinessError
from speediness.results.features import MotionFeatures
from speediness.search import within
from speediness.search.within import LEAST, SMOOTHED_S, STEP_S, Graph, compare, cut_query, peaks

VIDEO = Path("film.mp4")


def features(seconds: float = 10, cuts_s: tuple[float, ...] = (), seed: int = 0) -> MotionFeatures:
    rng = np.random.default_rng(seed)
    times_s = np.arange(0.03, seconds, STEP_S)
    vectors = rng.uniform(0, 2, (len(times_s), 5)).astype(np.float16)
    return MotionFeatures(times_s, vectors, np.ones(len(times_s), np.float32), (0.0, *cuts_s), seconds)


def repeating(period_s: float, seconds: float = 12) -> MotionFeatures:
    times_s = np.arange(0.03, seconds, STEP_S)
    phase = 2 * np.pi * times_s / period_s
    waves = np.stack([np.sin(phase), np.cos(phase), np.sin(2 * phase + 1), 0 * phase], 1) + 1
    noise = np.random.default_rng(0).normal(0, 0.1, waves.shape)
    return MotionFeatures(
        times_s, (waves + noise).astype(np.float16), np.ones(len(times_s), np.float32), (0.0,), seconds
    )


def slow_graph(query_QD: np.ndarray, video: MotionFeatures) -> list[tuple[float, float]]:
    """Each stretch on its own: the correlation of what differs from the video's mean."""
    mean = video.vectors.astype(float).mean(0)
    found = []
    bounds = [*video.shot_starts_s, video.duration_s]
    for shot, start_s in enumerate(video.shot_starts_s):
        k = 0
        while start_s + (k + len(query_QD) - 0.5) * STEP_S < bounds[shot + 1]:
            block = []
            for q in range(len(query_QD)):
                middle_s = start_s + (k + q + 0.5) * STEP_S
                near = [
                    vector.astype(float)
                    for time_s, vector in zip(video.times_s, video.vectors, strict=True)
                    if abs(time_s - middle_s) <= SMOOTHED_S / 2 + 1e-6
                    and start_s - 1e-6 <= time_s < bounds[shot + 1] - 1e-6
                ]
                block.append(np.mean(near, 0) - mean)
            a, b = np.ravel(block), np.ravel(query_QD - mean)
            found.append((start_s + k * STEP_S, a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
            k += 1
    return found


@pytest.mark.parametrize("cuts_s", [(), (3.3, 7.0), (0.4, 9.9)])
@pytest.mark.parametrize("length_s", [0.05, 0.5, 1.7])
def test_the_graph_is_that_of_each_stretch_on_its_own(
    cuts_s: tuple[float, ...], length_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(within, "BLOCK", 50)
    video = features(10, cuts_s)
    query = cut_query(features(seed=1), 2.0, 2.0 + length_s)
    graph = compare(query, video)
    expected = slow_graph(query, video)
    np.testing.assert_allclose(graph.starts_s, [start for start, _ in expected], atol=1e-9)
    np.testing.assert_allclose(graph.similarity, [value for _, value in expected], atol=1e-3)
    assert graph.length_s == pytest.approx(max(1, round(length_s / STEP_S)) * STEP_S)


def test_a_stretch_finds_itself_and_its_repetitions() -> None:
    video = repeating(1.5)
    graph = compare(cut_query(video, 4.0, 5.0), video)
    assert graph.similarity.max() > 0.99
    assert graph.starts_s[graph.similarity.argmax()] == pytest.approx(4.0, abs=STEP_S / 2)
    hits = peaks(graph, VIDEO, most=20, but=(4.0, 5.0))
    starts = sorted(hit.start_s for hit in hits if hit.similarity > 0.8)
    wanted = [4.0 + k * 1.5 for k in range(-2, 5) if k]
    assert starts == pytest.approx(wanted, abs=STEP_S)
    assert [hit.similarity for hit in hits] == sorted((hit.similarity for hit in hits), reverse=True)


def test_what_is_found_shares_at_most_half_with_another_and_with_the_query() -> None:
    video = repeating(0.8)
    hits = peaks(compare(cut_query(video, 3.0, 3.5), video), VIDEO, most=100, but=(3.0, 3.5), least=-1)
    starts_s = sorted(hit.start_s for hit in hits)
    assert len(starts_s) > 20
    assert min(b - a for a, b in pairwise(starts_s)) >= 0.25 - 1e-9
    assert all(abs(start_s - 3.0) >= 0.25 - STEP_S / 2 for start_s in starts_s)


def test_repetitions_a_little_quicker_than_the_query_are_all_found() -> None:
    video = repeating(1.4)
    hits = peaks(compare(cut_query(video, 4.0, 5.5), video), VIDEO, most=100, but=(4.0, 5.5), least=0.5)
    wanted = [4.0 + k * 1.4 for k in range(-2, 5) if k]
    assert sorted(hit.start_s for hit in hits) == pytest.approx(wanted, abs=STEP_S)


def test_no_more_and_nothing_less_alike_than_asked_for() -> None:
    graph = Graph(np.arange(10.0), np.linspace(0, 1, 10).astype(np.float32), 1.0)
    assert len(peaks(graph, VIDEO, 3)) == 3
    found = peaks(graph, VIDEO, 100)
    assert {hit.start_s for hit in found} == {float(n) for n in range(10) if n / 9 >= LEAST}


@pytest.mark.parametrize(
    ("start_s", "end_s", "says"),
    [(5, 5, "no stretch"), (6, 5, "no stretch"), (12, 13, "10.00 s"), (3, 4, "a cut at 3.30 s")],
)
def test_a_query_that_cannot_be_is_refused(start_s: float, end_s: float, says: str) -> None:
    with pytest.raises(SpeedinessError, match=says):
        cut_query(features(10, (3.3,)), start_s, end_s)


def test_a_video_without_motion_or_without_room_has_nothing_alike() -> None:
    still = features()
    still.vectors[:] = 1
    query = cut_query(features(seed=1), 1, 2)
    assert (compare(query, still).similarity == 0).all()
    assert len(compare(query, features(0.5)).starts_s) == 0
    assert peaks(compare(query, features(0.5)), VIDEO, 5) == []
