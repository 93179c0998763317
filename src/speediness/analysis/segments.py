"""Cutting the timeline into natural, sped-up and slow-motion stretches (§5.2).

The paper calls a clip slow motion when its sped-up version is scored as natural. Read as a whole:
video that is played k times as fast as it was recorded answers at factor X^i as natural video
answers at k X^i. So the K curves of a video are compared with the network's measured response to
natural video, shifted by every candidate k, and a hidden Markov model over k gives the probability
of each at every moment: a change is improbable (CHANGE_COST nats), so labels do not flicker.
"""

# K factors of the analysis, Q candidate playback factors, F frames, G points of the time grid

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speediness.analysis.network import Response
from speediness.curves import Label, Segment

GRID_S = 0.25
MIN_RUN = 2  # points of the grid; what is shorter takes its neighbour's label
CHANGE_COST = 4.0  # nats; e^-4 a quarter of a second is one change in about 14 s
PRIOR_NATURAL = 0.95  # most video plays at the speed it was recorded
NATURAL_RANGE = (0.75, 1.35)  # factors called natural: one step of X either way
EVIDENCE_S = 3.0  # seconds of video that count as one independent look
HELD_S = 0.5  # a frame shown longer, and far longer than is usual in its video, stands still
LOOKS_PER_MOMENT = 2.0  # independent looks among the K factors, which share most of their frames


def candidate_factors() -> NDArray[np.float64]:
    """(Q,) playback factors considered: 1.25^-9 = 0.13 to 1.25^6 = 3.8."""
    return 1.25 ** np.arange(-9.0, 7.0)


def find_segments(
    times_s: NDArray[np.float64],
    duration_s: float,
    factors: tuple[float, ...],
    log_odds_KF: NDArray[np.float32],
    moving_F: NDArray[np.bool_],
    cuts_s: tuple[float, ...],
    response: Response,
) -> tuple[Segment, ...]:
    """Label a video.

    Args:
        times_s: (F,) of the frames, the first 0.
        duration_s: end of the video.
        factors: (K,) at which it was analysed.
        log_odds_KF: (K, F) calibrated log-odds of sped up.
        moving_F: (F,) whether anything moves; still stretches give no evidence either way.
        cuts_s: starts of new shots; a change of speed is free there.
        response: the network's answers to natural video.

    Returns:
        Segments that cover 0 to ``duration_s`` without gaps.
    """
    grid_s = np.arange(0, max(duration_s, GRID_S / 2), GRID_S)
    candidates = candidate_factors()
    labels_Q: list[Label] = [label_of(k) for k in candidates]
    evidence_GQ = _evidence(times_s, grid_s, factors, log_odds_KF, moving_F, response, candidates)
    prior_Q = _prior(labels_Q)
    at_cut_G = np.zeros(len(grid_s), bool)
    at_cut_G[np.clip(np.searchsorted(grid_s, cuts_s), 0, len(grid_s) - 1)] = bool(cuts_s)
    posterior_GQ = _posterior(evidence_GQ, prior_Q, at_cut_G)

    words: tuple[Label, ...] = ("natural", "sped_up", "slow_motion")
    of_word_WQ = np.array([[label == word for label in labels_Q] for word in words])
    label_G = [words[w] for w in (posterior_GQ @ of_word_WQ.T).argmax(1)]
    starts = _absorb_short_runs(label_G)
    bounds_s = [0.0, *(_snap(grid_s[g], cuts_s) for g in starts[1:]), duration_s]
    segments = []
    for n, first in enumerate(starts):
        last = starts[n + 1] if n + 1 < len(starts) else len(grid_s)
        mean_Q = posterior_GQ[first:last].mean(0)
        same_Q = np.array([label == label_G[first] for label in labels_Q])
        confidence = float(mean_Q[same_Q].sum())
        weight_Q = np.where(same_Q, mean_Q, 0)
        factor = float(np.exp((weight_Q * np.log(candidates)).sum() / weight_Q.sum()))
        segments.append(
            Segment(
                bounds_s[n],
                bounds_s[n + 1],
                label_G[first],
                1.0 if label_G[first] == "natural" else factor,
                confidence,
            )
        )
    return tuple(segments)


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


def label_of(factor: float) -> Label:
    """The word for a playback factor."""
    if factor < NATURAL_RANGE[0]:
        return "slow_motion"
    return "natural" if factor <= NATURAL_RANGE[1] else "sped_up"


def _evidence(
    times_s: NDArray[np.float64],
    grid_s: NDArray[np.float64],
    factors: tuple[float, ...],
    log_odds_KF: NDArray[np.float32],
    moving_F: NDArray[np.bool_],
    response: Response,
    candidates: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(G, Q) log-likelihood of each candidate, each moment on its own."""
    moving_G = np.interp(grid_s, times_s, moving_F.astype(float))
    moving_G[_held(times_s, grid_s)] = 0
    # A video played at k and analysed at X^i answers as natural video at k X^i; beyond the measured
    # factors the nearest one stands in.
    at_KQ = np.log(np.array(factors)[:, None] * candidates)
    evidence_GQ = np.zeros((len(grid_s), len(candidates)))
    for at_Q, log_odds_F in zip(at_KQ, log_odds_KF, strict=True):
        bins_G = np.digitize(np.interp(grid_s, times_s, log_odds_F), response.edges)
        share_QN = np.stack([np.interp(at_Q, np.log(response.factors), n) for n in response.share.T], 1)
        evidence_GQ += np.log(share_QN).T[bins_G]
    weight = GRID_S / EVIDENCE_S * LOOKS_PER_MOMENT / len(factors)
    evidence_GQ *= weight * moving_G[:, None]
    return evidence_GQ


def _held(times_s: NDArray[np.float64], grid_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(G,) whether one frame is held there, as in a video that stores none twice."""
    if len(times_s) < 2:
        return np.zeros(len(grid_s), bool)
    gaps_s = np.diff(times_s)
    at_G = np.clip(np.searchsorted(times_s, grid_s, side="right") - 1, 0, len(gaps_s) - 1)
    return gaps_s[at_G] > max(HELD_S, 4 * float(np.median(gaps_s)))


def _prior(labels_Q: list[Label]) -> NDArray[np.float64]:
    """(Q,) PRIOR_NATURAL shared by the natural candidates, the rest by the others."""
    natural_Q = np.array([label == "natural" for label in labels_Q])
    return np.where(natural_Q, PRIOR_NATURAL / natural_Q.sum(), (1 - PRIOR_NATURAL) / (~natural_Q).sum())


def _posterior(
    evidence_GQ: NDArray[np.float64], prior_Q: NDArray[np.float64], at_cut_G: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(G, Q) probability of each candidate at each moment given the whole video (forward-backward)."""
    likelihood_GQ = np.exp(evidence_GQ - evidence_GQ.max(1, keepdims=True))
    change_G = np.where(at_cut_G, 1.0, np.exp(-CHANGE_COST))
    posterior_GQ = np.empty_like(evidence_GQ)
    posterior_GQ[0] = prior_Q * likelihood_GQ[0]
    for g in range(1, len(evidence_GQ)):
        carried_Q = posterior_GQ[g - 1] / posterior_GQ[g - 1].sum()
        posterior_GQ[g] = ((1 - change_G[g]) * carried_Q + change_G[g] * prior_Q) * likelihood_GQ[g]
    backward_Q = np.ones(len(prior_Q))
    for g in range(len(evidence_GQ) - 1, -1, -1):
        posterior_GQ[g] *= backward_Q
        later_Q = likelihood_GQ[g] * backward_Q
        stay_Q = (1 - change_G[g]) * later_Q + change_G[g] * (prior_Q @ later_Q)
        backward_Q = stay_Q / stay_Q.max()
    posterior_GQ /= posterior_GQ.sum(1, keepdims=True)
    return posterior_GQ


def _snap(time_s: float, cuts_s: tuple[float, ...]) -> float:
    """A change found on the grid belongs to the cut beside it, if there is one."""
    near = [cut for cut in cuts_s if abs(cut - time_s) <= GRID_S]
    return min(near, key=lambda cut: abs(cut - time_s)) if near else float(time_s)
