import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from scripted_runtime import response_of
from speediness.analysis.analyse import answers
from speediness.analysis.segments import (
    CHANGE_COST,
    EVIDENCE_S,
    GRID_S,
    PRIOR_NATURAL,
    RatePosterior,
    _prior,
    candidate_rates,
    estimates,
    find_rates,
    find_segments,
    label_of,
    probability_sped_up,
)
from speediness.analysis.shot import ShotScores
from speediness.results.curve import Segment
from speediness.sampling import playback_factors

FACTORS = playback_factors()
WINDOW_S = 2.0
RATES = np.arange(-3, 3.5, 0.5)
RESPONSE = response_of(RATES, 1.2 * np.tanh(RATES / 1.5), within=0.4, between=0.2)
NOTHING = np.zeros((0, 2), np.float32)


def shot(start_s: float, played: list[tuple[float, float]], own: float = 0.0, seed: int = 0) -> ShotScores:
    """What the network says of stretches of (seconds, rate), of a video with an offset of its own."""
    rng = np.random.default_rng(seed)
    length_s = sum(seconds for seconds, _ in played)
    ends_s = start_s + np.cumsum([seconds for seconds, _ in played])
    times_s = start_s + np.arange(round(25 * length_s)) / 25
    middles, rates = [], []
    for factor in FACTORS:
        reach_s = WINDOW_S * factor / 2
        middles_s = np.arange(start_s + reach_s, start_s + length_s - reach_s + 1e-9, factor / 8)
        truth = np.array(
            [played[k][1] for k in np.minimum(np.searchsorted(ends_s, middles_s), len(played) - 1)]
        )
        # Noise that lasts for about a window, as overlapping windows share their motion.
        grid_s = np.arange(start_s, start_s + length_s + 2 * WINDOW_S * factor, WINDOW_S * factor)
        noise = np.interp(middles_s, grid_s, rng.normal(0, RESPONSE.within / 2, len(grid_s)))
        mean = RESPONSE.at(np.log2(np.maximum(truth * factor, 1e-3))) + own + noise if len(truth) else truth
        middles.append(middles_s)
        rates.append(np.stack([mean, 0 * mean], 1).astype(np.float32) if len(truth) else NOTHING)
    never = np.zeros(0)
    return ShotScores(
        times_s,
        Fraction(times_s[-1]),
        tuple(middles),
        tuple(rates),
        NOTHING,
        never,
        np.zeros((0, 0), np.float16),
        never,
    )


def posterior_of(shots: list[ShotScores], moving: bool = True) -> RatePosterior:
    n_frames = sum(len(part.times_s) for part in shots)
    answers_KF = answers(shots, FACTORS, RESPONSE)
    return find_rates(shots, answers_KF, FACTORS, np.full(n_frames, moving), RESPONSE)


def segments_of(played: list[tuple[float, float]], own: float = 0.0, seed: int = 0) -> tuple[Segment, ...]:
    return find_segments(posterior_of([shot(0, played, own, seed)]), sum(s for s, _ in played), ())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("own", [-0.25, 0.0, 0.25])
def test_natural_video_is_natural_whatever_its_own_offset(own: float, seed: int) -> None:
    found = segments_of([(40, 1.0)], own, seed)
    assert [s.label for s in found] == ["natural"]
    assert (found[0].start_s, found[0].end_s, found[0].factor) == (0, 40, 1)
    assert found[0].confidence > 0.8


@pytest.mark.parametrize("own", [-0.15, 0.15])
@pytest.mark.parametrize(("factor", "label"), [(0.25, "slow_motion"), (3.5, "sped_up")])
def test_a_stretch_at_another_speed_is_found_where_it_is(factor: float, label: str, own: float) -> None:
    found = [s for s in segments_of([(30, 1.0), (30, factor), (30, 1.0)], own) if s.label != "not_sure"]
    assert [s.label for s in found] == ["natural", label, "natural"]
    assert found[1].start_s == pytest.approx(30, abs=3)
    assert found[1].end_s == pytest.approx(60, abs=3)
    assert found[1].factor == pytest.approx(factor, rel=0.4)
    assert found[1].confidence > 0.8


def test_the_offset_found_follows_that_of_the_video() -> None:
    """Not all of it: a little of it may as well be the rate."""
    found = []
    for own in (-0.4, -0.2, 0.0, 0.2, 0.4):
        posterior = posterior_of([shot(0, [(60, 1.0)], own)])
        assert posterior.weights_O.sum() == pytest.approx(1)
        found.append(float(posterior.weights_O @ posterior.offsets_O))
    assert (np.diff(found) > 0.01).all()
    assert found[1] < 0 < found[3] and abs(found[2]) < 0.1


@pytest.mark.parametrize("seed", range(4))
def test_labels_do_not_flicker(seed: int) -> None:
    assert len(segments_of([(60, 1.0), (30, 0.25)], seed=seed)) <= 4


def test_segments_cover_the_video_without_gaps() -> None:
    found = segments_of([(10, 1.0), (12, 0.25), (3.3, 3.0)])
    assert found[0].start_s == 0 and found[-1].end_s == pytest.approx(25.3)
    assert all(a.end_s == b.start_s for a, b in itertools.pairwise(found))


def test_a_change_lands_on_the_cut_beside_it() -> None:
    shots = [shot(0, [(20.1, 1.0)]), shot(20.1, [(20, 0.2)])]
    found = find_segments(posterior_of(shots), 40.1, (20.1,))
    assert [s.label for s in found] == ["natural", "slow_motion"]
    assert found[1].start_s == 20.1


def test_two_changes_beside_one_cut_stay_apart() -> None:
    rates_GQ = np.zeros((12, len(candidate_rates())))
    natural, slow = (int(np.argmin(np.abs(candidate_rates() - rate))) for rate in (0, -2))
    rates_GQ[:, natural] = 1
    rates_GQ[4:6] = np.eye(len(candidate_rates()))[slow]
    known = np.ones(12, bool)
    posterior = RatePosterior(
        np.arange(12, dtype=np.float64) * GRID_S, rates_GQ, np.zeros(1), np.ones(1), known
    )
    found = find_segments(posterior, 3.0, (1.25,))
    assert [(s.label, s.start_s) for s in found] == [("natural", 0), ("slow_motion", 1.0), ("natural", 1.5)]


def test_where_nothing_moves_nothing_is_sure_and_the_guess_is_the_prior() -> None:
    posterior = posterior_of([shot(0, [(20, 0.2)])], moving=False)
    (segment,) = find_segments(posterior, 20.0, ())
    assert segment.label == "not_sure"
    assert segment.confidence == pytest.approx(PRIOR_NATURAL, abs=0.02)
    assert not posterior.known_G.any()


def test_where_no_window_fits_nothing_is_sure() -> None:
    (segment,) = find_segments(posterior_of([shot(0, [(1.5, 0.2)])]), 1.5, ())
    assert (segment.label, segment.start_s, segment.end_s) == ("not_sure", 0, 1.5)
    shots = [shot(0, [(20, 1.0)]), shot(20, [(1.5, 1.0)]), shot(21.5, [(20, 1.0)])]
    found = find_segments(posterior_of(shots), 41.5, (20.0, 21.5))
    assert [(s.label, s.start_s) for s in found] == [("natural", 0), ("not_sure", 20), ("natural", 21.5)]


def test_a_frame_held_for_long_is_no_evidence() -> None:
    whole = shot(0, [(36, 0.2)])
    kept = (whole.times_s < 12) | (whole.times_s > 24)
    held = replace(whole, times_s=whole.times_s[kept])
    posterior = posterior_of([held])
    inside = (posterior.grid_s > 12.1) & (posterior.grid_s < 23.9)
    assert not posterior.known_G[inside].any()
    assert posterior.known_G[posterior.grid_s < 11.9].all()


def test_one_frame_is_one_segment() -> None:
    (segment,) = find_segments(posterior_of([shot(0, [(0.04, 1.0)])]), 0.04, ())
    assert (segment.start_s, segment.end_s, segment.label) == (0, 0.04, "not_sure")


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.5])
@pytest.mark.parametrize("own", [-0.2, 0.2])
def test_the_score_and_the_label_agree(factor: float, own: float) -> None:
    video = shot(0, [(60, factor)], own, seed=3)
    posterior = posterior_of([video])
    (label,) = {s.label for s in find_segments(posterior, 60.0, ())} - {"not_sure"}
    sped_up = probability_sped_up(video.rate[0][:, 0], posterior, RESPONSE)
    assert label == label_of(factor)
    assert ((sped_up > 0.5) == (label == "sped_up")).mean() > 0.85


@pytest.mark.parametrize("n_factors", [1, 4, 11])
@pytest.mark.parametrize("rate", [-1.0, 0.0, 1.0])
def test_the_estimate_is_that_of_the_response_as_far_as_is_known(rate: float, n_factors: int) -> None:
    played = FACTORS[:n_factors]
    answers_KF = RESPONSE.at(rate + np.log2(played))[:, None]
    estimated = estimates(answers_KF, played, RESPONSE)
    assert estimated.shape == (1,)
    # Of factors at which it was not played only natural video is known.
    accuracy = 0.5 if n_factors < len(FACTORS) and rate else 1e-9
    assert estimated[0] == pytest.approx(RESPONSE.estimated(np.array(rate)), abs=accuracy)


def test_words_for_factors() -> None:
    words = [label_of(k) for k in (0.25, 0.64, 0.8, 1.0, 1.25, 1.5625, 2.0)]
    assert words == ["slow_motion"] * 2 + ["natural"] * 3 + ["sped_up"] * 2


def slow_model(shots: list[ShotScores], cut_points: set[int]) -> tuple[np.ndarray, np.ndarray]:
    """(G, Q) and (O,) the hidden Markov model as the books write it: one offset at a time, in matrices."""
    times_s = np.concatenate([part.times_s for part in shots])
    grid_s = np.arange(0, times_s[-1], GRID_S)
    rates, prior = candidate_rates(), _prior(candidate_rates())
    seen = np.interp(grid_s, times_s, estimates(answers(shots, FACTORS, RESPONSE), FACTORS, RESPONSE))
    noise = RESPONSE.within * RESPONSE.weights.sum()
    offsets = np.linspace(-2.5, 2.5, 9)
    posteriors, log_weights = [], []
    for offset in offsets:
        evidence = np.zeros((len(grid_s), len(rates)))
        for g, time_s in enumerate(grid_s):
            if any(part.times_s[0] <= time_s <= part.times_s[-1] for part in shots):
                error = seen[g] - RESPONSE.estimated(rates) - offset * RESPONSE.between
                evidence[g] = -((error / noise) ** 2) / 2 * GRID_S / EVIDENCE_S

        def change(g: int) -> np.ndarray:
            share = 1.0 if g in cut_points else np.exp(-CHANGE_COST)
            return (1 - share) * np.eye(len(prior)) + share * prior

        forward, backward, log_likelihood = [], [np.ones(len(prior))], 0.0
        for g, row in enumerate(np.exp(evidence)):
            ahead = (forward[-1] @ change(g) if forward else prior) * row
            log_likelihood += np.log(ahead.sum())
            forward.append(ahead / ahead.sum())
        for g in range(len(grid_s) - 1, 0, -1):
            backward.insert(0, change(g) @ (np.exp(evidence[g]) * backward[0]))
            backward[0] /= backward[0].sum()
        product = np.array(forward) * np.array(backward)
        posteriors.append(product / product.sum(1, keepdims=True))
        log_weights.append(log_likelihood - offset**2 / 2)
    weights = np.exp(np.array(log_weights) - max(log_weights))
    weights /= weights.sum()
    return np.einsum("o,ogq->gq", weights, np.array(posteriors)), weights


def test_the_posterior_is_that_of_the_slow_model() -> None:
    shots = [shot(0, [(10, 1.0)], 0.1), shot(10, [(8, 0.25), (6, 2.5)], 0.1, seed=1)]
    posterior = posterior_of(shots)
    rates_GQ, weights_O = slow_model(shots, {40})
    np.testing.assert_allclose(posterior.weights_O, weights_O, atol=1e-4)
    np.testing.assert_allclose(posterior.rates_GQ, rates_GQ, atol=1e-4)
