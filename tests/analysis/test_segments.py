import itertools
import tracemalloc
from math import erf

import numpy as np
import pytest

from speediness.analysis.network import Response
from speediness.analysis.segments import (
    CHANGE_COST,
    EVIDENCE_S,
    GRID_S,
    LOOKS_PER_MOMENT,
    candidate_factors,
    find_segments,
    label_of,
)
from speediness.sampling import playback_factors

FACTORS = playback_factors()
# A network that is right about two times in three at 1x against 2x: log-odds around a straight line.
EDGES = np.arange(-3, 6.5, 0.5)
SLOPE, OFFSET = 1.2, -0.6


def response() -> Response:
    grid = np.array(FACTORS)
    mean = (SLOPE * np.log2(grid) + OFFSET)[:, None]
    below = 0.5 * (1 + np.vectorize(erf)((EDGES - mean) / np.sqrt(2)))
    share = np.diff(below, axis=1, prepend=0, append=1) + 0.002
    return Response(grid, EDGES, share / share.sum(1, keepdims=True))


RESPONSE = response()


def video(
    played: list[tuple[float, float]], rate: int = 25, noise: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Frame times and log-odds (K, F) of stretches of (seconds, playback factor)."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.full(round(s * rate), k) for s, k in played])
    clean = SLOPE * np.log2(np.clip(np.array(FACTORS)[:, None] * truth, 1, FACTORS[-1])) + OFFSET
    # Noise that lasts for about a window, as overlapping windows share their frames.
    wander = rng.normal(0, noise, (len(FACTORS), len(truth) // rate + 2))
    time = np.arange(len(truth)) / rate
    rough = np.stack([np.interp(time, np.arange(wander.shape[1]), row) for row in wander])
    return time, (clean + rough).astype(np.float32)


def segments_of(
    played: list[tuple[float, float]], cuts_s: tuple[float, ...] = (), noise: float = 1.0, seed: int = 0
):
    times_s, log_odds = video(played, noise=noise, seed=seed)
    moving = np.ones(len(times_s), bool)
    return find_segments(times_s, sum(s for s, _ in played), FACTORS, log_odds, moving, cuts_s, RESPONSE)


@pytest.mark.parametrize("seed", range(8))
def test_natural_video_is_one_natural_segment(seed: int) -> None:
    (segment,) = segments_of([(20, 1.0)], seed=seed)
    assert (segment.label, segment.start_s, segment.end_s, segment.factor) == ("natural", 0, 20, 1)
    assert segment.confidence > 0.7


@pytest.mark.parametrize(("factor", "label"), [(0.25, "slow_motion"), (3.5, "sped_up")])
def test_a_stretch_at_another_speed_is_found_where_it_is(factor: float, label: str) -> None:
    found = segments_of([(20, 1.0), (20, factor), (20, 1.0)])
    assert [s.label for s in found] == ["natural", label, "natural"]
    assert found[1].start_s == pytest.approx(20, abs=2)
    assert found[1].end_s == pytest.approx(40, abs=2)
    assert found[1].factor == pytest.approx(factor, rel=0.35)


@pytest.mark.parametrize("seed", range(5))
def test_labels_do_not_flicker(seed: int) -> None:
    found = segments_of([(60, 1.0), (30, 0.3)], seed=seed, noise=1.5)
    assert len(found) <= 4


def test_segments_cover_the_video_without_gaps() -> None:
    found = segments_of([(10, 1.0), (12, 0.25), (3.3, 3.0)])
    assert found[0].start_s == 0 and found[-1].end_s == pytest.approx(25.3)
    assert all(a.end_s == b.start_s for a, b in itertools.pairwise(found))


def test_a_change_lands_on_the_cut_beside_it() -> None:
    found = segments_of([(12.1, 1.0), (12, 0.2)], cuts_s=(12.1,), noise=0.3)
    assert [s.label for s in found] == ["natural", "slow_motion"]
    assert found[1].start_s == 12.1


def test_where_nothing_moves_there_is_no_evidence_and_no_slow_motion() -> None:
    times_s, log_odds = video([(20, 0.2)])
    (segment,) = find_segments(times_s, 20.0, FACTORS, log_odds, np.zeros(500, bool), (), RESPONSE)
    assert segment.label == "natural"
    assert segment.confidence == pytest.approx(0.95, abs=0.02)  # the prior, nothing more


def test_a_frame_held_for_long_is_no_slow_motion() -> None:
    """A video that drops the same frames says of the pause between what its twin that stores them does."""
    times_s, log_odds = video([(12, 1.0), (12, 0.2), (12, 1.0)])
    held = (times_s > 12) & (times_s < 24)
    twin = find_segments(times_s, 36.0, FACTORS, log_odds, ~held, (), RESPONSE)
    kept = ~held
    dropped = find_segments(
        times_s[kept], 36.0, FACTORS, log_odds[:, kept], np.ones(kept.sum(), bool), (), RESPONSE
    )
    assert [segment.label for segment in dropped] == [segment.label for segment in twin] == ["natural"]


def test_a_video_of_a_frame_a_second_is_not_all_held() -> None:
    times_s = np.arange(60.0)
    log_odds = np.full((len(FACTORS), 60), 4.0, np.float32)
    (segment,) = find_segments(times_s, 60.0, FACTORS, log_odds, np.ones(60, bool), (), RESPONSE)
    assert segment.label == "sped_up"


def test_one_frame_is_one_segment() -> None:
    (segment,) = find_segments(
        np.array([0.0]), 0.04, FACTORS, np.zeros((11, 1), np.float32), np.array([True]), (), RESPONSE
    )
    assert (segment.start_s, segment.end_s) == (0, 0.04)


def test_a_shot_of_a_few_frames_at_the_end_takes_its_neighbours_label() -> None:
    times_s, log_odds = video([(20, 0.2), (0.2, 1.0)])
    moving = times_s < 20  # nothing can be said of the last frames
    found = find_segments(times_s, 20.2, FACTORS, log_odds, moving, (20.0,), RESPONSE)
    assert [(s.label, s.end_s) for s in found] == [("slow_motion", 20.2)]


def test_words_for_factors() -> None:
    words = [label_of(k) for k in (0.25, 0.64, 0.8, 1.0, 1.25, 1.5625, 2.0)]
    assert words == ["slow_motion"] * 2 + ["natural"] * 3 + ["sped_up"] * 2


def test_factors_are_weighed_one_by_one() -> None:
    times_s, log_odds = video([(1800, 1.0)])
    moving = np.ones(len(times_s), bool)
    tracemalloc.start()
    find_segments(times_s, 1800.0, FACTORS, log_odds, moving, (), RESPONSE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    one = 8 * 1800 / GRID_S * len(candidate_factors())
    assert peak < 6 * one  # evidence, likelihood, posterior and what lies between them; factors are 11


def slow_posterior(
    times_s: np.ndarray,
    duration_s: float,
    log_odds: np.ndarray,
    moving: np.ndarray,
    cuts_s: tuple[float, ...],
) -> np.ndarray:
    """(G, Q) the hidden Markov model as the books write it: all factors at once, matrices of change."""
    grid_s = np.arange(0, duration_s, GRID_S)
    candidates = candidate_factors()
    seen = np.array([[np.interp(t, times_s, row) for t in grid_s] for row in log_odds])
    evidence = np.zeros((len(FACTORS), len(grid_s), len(candidates)))
    for k, q in itertools.product(range(len(FACTORS)), range(len(candidates))):
        at = np.log(FACTORS[k] * candidates[q])
        share = [np.interp(at, np.log(RESPONSE.factors), column) for column in RESPONSE.share.T]
        evidence[k, :, q] = [np.log(share[sum(value >= EDGES)]) for value in seen[k]]
    moves = np.interp(grid_s, times_s, moving.astype(float))[:, None]
    likelihood = np.exp(evidence.mean(0) * moves * GRID_S / EVIDENCE_S * LOOKS_PER_MOMENT)
    natural = np.array([label_of(k) == "natural" for k in candidates])
    prior = np.where(natural, 0.95 / natural.sum(), 0.05 / (~natural).sum())
    cut_points = {min(int(np.searchsorted(grid_s, cut)), len(grid_s) - 1) for cut in cuts_s}

    def change(g: int) -> np.ndarray:
        share = 1.0 if g in cut_points else np.exp(-CHANGE_COST)
        return (1 - share) * np.eye(len(prior)) + share * prior

    forward, backward = [prior * likelihood[0]], [np.ones(len(prior))]
    for g in range(1, len(grid_s)):
        forward.append(forward[-1] @ change(g) * likelihood[g])
        forward[-1] /= forward[-1].sum()
    for g in range(len(grid_s) - 1, 0, -1):
        backward.insert(0, change(g) @ (likelihood[g] * backward[0]))
        backward[0] /= backward[0].sum()
    product = np.array(forward) * np.array(backward)
    return product / product.sum(1, keepdims=True)


@pytest.mark.parametrize("seed", range(3))
def test_segments_follow_the_slow_model(seed: int) -> None:
    times_s, log_odds = video([(20, 1.0), (20, 0.25), (20, 3.5)], noise=0.5, seed=seed)
    moving = np.random.default_rng(seed).random(len(times_s)) < 0.8
    cuts_s = (7.0, 51.1)  # where nothing changes, so no change is moved to them
    found = find_segments(times_s, 60.0, FACTORS, log_odds, moving, cuts_s, RESPONSE)
    slow = slow_posterior(times_s, 60.0, log_odds, moving, cuts_s)
    assert [s.label for s in found] == ["natural", "slow_motion", "sped_up"]
    for segment in found:
        mean = slow[round(segment.start_s / GRID_S) : round(segment.end_s / GRID_S)].mean(0)
        mean = mean * [label_of(k) == segment.label for k in candidate_factors()]
        assert segment.confidence == pytest.approx(mean.sum(), abs=1e-9)
        if segment.label != "natural":
            mean_log = (mean * np.log(candidate_factors())).sum() / mean.sum()
            assert segment.factor == pytest.approx(np.exp(mean_log), abs=1e-9)
