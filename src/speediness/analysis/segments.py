"""From the network's answers to rates: natural, sped-up and slow-motion stretches (§5.2), and P(t) (§4.1).

The paper calls a clip slow motion when its sped-up version is scored as natural. Read as a whole: a video
at rate k that is played at factor g is answered as a natural one at ``k g``. One model of the answers
gives everything. The answers at all factors give an estimate of the rate: the network's measured response
to it, plus an offset of the video's own (what moves in it and how large it is, which the network does not
know), plus noise. A hidden Markov model over k, for every offset, gives the probability of each rate at
every moment and that of each offset; a change of rate is improbable, so labels do not flicker. P(t) at a
factor is the probability of 1x against 2x given the answers at that moment and those offsets, so it cannot
contradict the labels.
"""

# K factors, Q candidate rates, O offsets, F frames, G points of the time grid, W windows

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speediness.analysis.shot import ShotScores
from speediness.results.curve import Label, Segment
from speediness.results.features import UNKNOWN_S
from speediness.results.labels import NATURAL_RANGE
from speediness.runtime.network import Response
from speediness.sampling import playback_factors

Floats = NDArray[np.float64]

GRID_S = 0.25
MIN_RUN = 2  # points of the grid; what is shorter takes its neighbour's label
CHANGE_COST = 6.0  # nats; e^-6 a quarter of a second is one change in about two minutes
PRIOR_NATURAL = 0.55  # so that of natural videos held out one in ten is called something else
EVIDENCE_S = 2.0  # seconds of video that count as one independent look: a window
STILL_S = 1.0  # of a frame that is held for longer than UNKNOWN_S are on the grid
HELD_S = 0.5  # a frame shown longer, and far longer than is usual in its video, stands still
SURE = 0.5  # a label less probable than this is not sure
OFFSETS = 9
WIDEST_OFFSET = 2.5  # standard deviations


def candidate_rates() -> Floats:
    """(Q,) log2 of the playback rates considered: 1/8 to 4, a third of an octave apart."""
    return np.arange(-9, 7) / 3


@dataclass(frozen=True)
class RatePosterior:
    """What the answers say of a video's rates."""

    grid_s: Floats
    """(G,) moments, GRID_S apart from 0, but for most of the time for which a frame is held very long."""
    rates_GQ: Floats
    """Probability of each candidate at each moment."""
    offsets_O: Floats
    """The video's own offset: candidates, in octaves of the estimate."""
    weights_O: Floats
    """Their probabilities."""
    known_G: NDArray[np.bool_]
    """Whether a whole window that moves says something of the moment."""


def find_rates(
    shots: Sequence[ShotScores],
    answers_KF: Floats,
    factors: tuple[float, ...],
    moving_F: NDArray[np.bool_],
    response: Response,
) -> RatePosterior:
    """The rates of a video, see the module.

    Args:
        shots: of the whole video, in order.
        answers_KF: mean answers at every frame, see :func:`speediness.analysis.analyse.answers`.
        factors: (K,) at which it was played.
        moving_F: whether anything moves at each frame; still stretches give no evidence.
        response: of the network.
    """
    times_s = np.concatenate([shot.times_s for shot in shots])
    grid_s = _grid(times_s)
    estimates_G = np.interp(grid_s, times_s, estimates(answers_KF, factors, response))
    known_G = np.zeros(len(grid_s), bool)
    for shot in shots:
        if len(shot.middles_s[0]):
            known_G |= (grid_s >= shot.times_s[0] - 1e-6) & (grid_s <= shot.times_s[-1] + 1e-6)
    known_G &= (np.interp(grid_s, times_s, moving_F.astype(float)) > 0.5) & ~_held(times_s, grid_s)
    own_O = np.linspace(-WIDEST_OFFSET, WIDEST_OFFSET, OFFSETS)
    offsets_O = own_O * response.between
    expected_OQ = response.estimated(candidate_rates()) + offsets_O[:, None]
    noise = response.within * response.weights.sum()
    evidence_GOQ = -(((estimates_G[:, None, None] - expected_OQ) / noise) ** 2) / 2
    evidence_GOQ *= GRID_S / EVIDENCE_S
    evidence_GOQ[~known_G] = 0
    at_cut_G = np.zeros(len(grid_s), bool)
    starts_s = [shot.times_s[0] for shot in shots[1:]]
    at_cut_G[np.clip(np.searchsorted(grid_s, starts_s), 0, len(grid_s) - 1)] = bool(starts_s)
    posterior_GOQ, log_likelihood_O = _posterior(evidence_GOQ, _prior(candidate_rates()), at_cut_G)
    log_weight_O = log_likelihood_O - own_O**2 / 2
    weights_O = np.exp(log_weight_O - log_weight_O.max())
    weights_O /= weights_O.sum()
    rates_GQ = np.einsum("o,goq->gq", weights_O, posterior_GOQ)
    return RatePosterior(grid_s, rates_GQ, offsets_O, weights_O, known_G)


def estimates(answers_KF: Floats, factors: tuple[float, ...], response: Response) -> Floats:
    """(F,) log2 of the rate, by :attr:`Response.weights`.

    Factors at which the video was not played are answered as the nearest, moved as natural video moves.
    """
    wanted, played = np.log2(playback_factors()), np.log2(factors)
    nearest = np.abs(wanted[:, None] - played).argmin(1)
    moved = response.at(wanted) - response.at(played[nearest])
    return response.bias + response.weights @ (answers_KF[nearest] + moved[:, None])


def probability_sped_up(mean: NDArray[np.floating], posterior: RatePosterior, response: Response) -> Floats:
    """Probability of 2x against 1x of answers (..), for the offsets that the video may have."""
    slow, fast = response.at(np.array([0.0, 1.0]))
    variance = response.within**2
    sped_up = np.zeros(np.shape(mean))
    for estimated, weight in zip(posterior.offsets_O, posterior.weights_O, strict=True):
        if weight > 1e-4:
            offset = estimated / response.weights.sum()
            log_odds = (fast - slow) * (mean - offset - (slow + fast) / 2) / variance
            sped_up += weight / (1 + np.exp(-np.clip(log_odds, -30, 30)))
    return sped_up


def find_segments(
    posterior: RatePosterior, duration_s: float, cuts_s: tuple[float, ...]
) -> tuple[Segment, ...]:
    """Segments that cover 0 to ``duration_s`` without gaps.

    A change found beside the start of a new shot (``cuts_s``) is put there.
    """
    rates, grid_s = candidate_rates(), posterior.grid_s
    labels_Q = [label_of(2.0**rate) for rate in rates]
    words: tuple[Label, ...] = ("natural", "sped_up", "slow_motion")
    of_word_WQ = np.array([[label == word for label in labels_Q] for word in words])
    share_GW = posterior.rates_GQ @ of_word_WQ.T
    label_G: list[Label] = [words[w] for w in share_GW.argmax(1)]
    for g in np.flatnonzero((share_GW.max(1) < SURE) | ~posterior.known_G):
        label_G[g] = "not_sure"
    starts = _absorb_short_runs(label_G)
    bounds_s = [0.0, *(_snap(grid_s[g], cuts_s) for g in starts[1:]), duration_s]
    segments = []
    for n, first in enumerate(starts):
        last = starts[n + 1] if n + 1 < len(starts) else len(grid_s)
        mean_Q, label = posterior.rates_GQ[first:last].mean(0), label_G[first]
        same_Q = np.array([label in ("not_sure", other) for other in labels_Q])
        weight_Q = np.where(same_Q, mean_Q, 0)
        factor = float(2.0 ** ((weight_Q * rates).sum() / weight_Q.sum()))
        confidence = float((mean_Q @ of_word_WQ.T).max() if label == "not_sure" else mean_Q[same_Q].sum())
        factor = 1.0 if label == "natural" else factor
        segments.append(Segment(bounds_s[n], bounds_s[n + 1], label, factor, min(confidence, 1.0)))
    return tuple(segments)


def label_of(factor: float) -> Label:
    """The word for a playback factor."""
    if factor < NATURAL_RANGE[0]:
        return "slow_motion"
    return "natural" if factor <= NATURAL_RANGE[1] else "sped_up"


def _grid(times_s: Floats) -> Floats:
    """(G,) see :attr:`RatePosterior.grid_s`: what is not known needs no memory, however long it lasts."""
    held = np.flatnonzero(np.diff(times_s) > UNKNOWN_S)
    starts_s = [0.0, *times_s[held + 1]]
    ends_s = [*(times_s[held] + STILL_S), max(times_s[-1], GRID_S / 2)]
    runs = zip(starts_s, ends_s, strict=True)
    return GRID_S * np.concatenate([np.arange(*np.ceil(np.array(run) / GRID_S)) for run in runs])


def _held(times_s: Floats, grid_s: Floats) -> NDArray[np.bool_]:
    """(G,) whether one frame is held there, as in a video that stores none twice."""
    if len(times_s) < 2:
        return np.zeros(len(grid_s), bool)
    gaps_s = np.diff(times_s)
    at_G = np.clip(np.searchsorted(times_s, grid_s, side="right") - 1, 0, len(gaps_s) - 1)
    return gaps_s[at_G] > max(HELD_S, 4 * float(np.median(gaps_s)))


def _prior(rates_Q: Floats) -> Floats:
    """(Q,) PRIOR_NATURAL on the natural rates, the rest shared by slow motion and sped-up video."""
    labels = np.array([label_of(2.0**rate) for rate in rates_Q])
    prior_Q = np.zeros(len(rates_Q))
    shares = {"natural": PRIOR_NATURAL, "slow_motion": (1 - PRIOR_NATURAL) / 2}
    for label in ("natural", "slow_motion", "sped_up"):
        same_Q = labels == label
        prior_Q[same_Q] = shares.get(label, (1 - PRIOR_NATURAL) / 2) / same_Q.sum()
    return prior_Q


def _posterior(evidence_GOQ: Floats, prior_Q: Floats, at_cut_G: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(G, O, Q) probability of each rate given the video and an offset, (O,) log-likelihood of the offset.

    Forward-backward, for all offsets at once.
    """
    highest_GO1 = evidence_GOQ.max(2, keepdims=True)
    likelihood_GOQ = np.exp(evidence_GOQ - highest_GO1)
    change_G = np.where(at_cut_G, 1.0, np.exp(-CHANGE_COST))
    posterior_GOQ = np.empty_like(evidence_GOQ)
    log_likelihood_O = highest_GO1[:, :, 0].sum(0)
    carried_OQ = np.broadcast_to(prior_Q, evidence_GOQ.shape[1:])
    for g, change in enumerate(change_G):
        ahead_OQ = ((1 - change) * carried_OQ + change * prior_Q) * likelihood_GOQ[g]
        total_O1 = ahead_OQ.sum(1, keepdims=True)
        log_likelihood_O = log_likelihood_O + np.log(total_O1[:, 0])
        posterior_GOQ[g] = carried_OQ = ahead_OQ / total_O1
    backward_OQ = np.ones(evidence_GOQ.shape[1:])
    for g in range(len(change_G) - 1, -1, -1):
        posterior_GOQ[g] *= backward_OQ
        later_OQ = likelihood_GOQ[g] * backward_OQ
        stay_OQ = (1 - change_G[g]) * later_OQ + change_G[g] * (later_OQ @ prior_Q)[:, None]
        backward_OQ = stay_OQ / stay_OQ.max(1, keepdims=True)
    posterior_GOQ /= posterior_GOQ.sum(2, keepdims=True)
    return posterior_GOQ, log_likelihood_O


def _absorb_short_runs(label_G: list[Label]) -> list[int]:
    """Give runs too short to be seen their neighbour's label; returns where runs start."""
    starts = _starts(label_G)
    for first, end in zip(starts, [*starts[1:], len(label_G)], strict=True):
        if end - first < MIN_RUN:
            neighbour = first - 1 if first else min(end, len(label_G) - 1)
            for g in range(first, end):
                label_G[g] = label_G[neighbour]
    return _starts(label_G)


def _starts(label_G: list[Label]) -> list[int]:
    return [0] + [g for g in range(1, len(label_G)) if label_G[g] != label_G[g - 1]]


def _snap(time_s: float, cuts_s: tuple[float, ...]) -> float:
    """A change found on the grid belongs to the cut beside it, if there is one."""
    near = [cut for cut in cuts_s if abs(cut - time_s) < GRID_S]
    return min(near, key=lambda cut: abs(cut - time_s)) if near else float(time_s)
