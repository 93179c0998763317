"""From raw scores to probabilities, and the network's response to natural film at every factor."""

# K factors, F frames of a film

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speediness.analysis.curve import STILL_PX
from speediness.analysis.network import Judge
from speediness.analysis.windows import judge_shots
from speediness.clip import ClipSpec
from speediness.datasets.film import Film
from speediness.evaluation.speed_accuracy import FilmScores, halve
from speediness.video.reader import Frame

RESPONSE_FILMS = 60  # at most; the mean over more changes little and takes its time
RESPONSE_FACTORS = tuple(1.25**i for i in range(-2, 11))


def fit_scale(scores: list[FilmScores]) -> tuple[float, float]:
    """Bias and temperature that make sigmoid((score - bias) / temperature) a probability.

    Logistic regression of 2x against 1x on one score, by Newton's method; every film counts alike.
    """
    score = np.concatenate([np.concatenate([f.score_1x, f.score_2x]) for f in scores]).astype(np.float64)
    label = np.concatenate([np.repeat([0.0, 1.0], len(f.score_1x)) for f in scores])
    weight = np.concatenate([np.full(2 * len(f.score_1x), 1 / len(f.score_1x)) for f in scores])
    design = np.stack([score, np.ones_like(score)], 1)
    solution = np.zeros(2)
    for _ in range(50):
        expected = 1 / (1 + np.exp(-design @ solution))
        gradient = design.T @ (weight * (label - expected)) - 1e-3 * solution
        curvature = (design * (weight * expected * (1 - expected))[:, None]).T @ design + 1e-3 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        solution += step
        if np.abs(step).max() < 1e-9:
            break
    slope, offset = solution
    return float(-offset / slope), float(1 / slope)


def measure_response(films: Sequence[Film], judge: Judge, clip: ClipSpec) -> dict[str, list[float]]:
    """Mean and spread of the calibrated log-odds of natural films at each factor.

    ``judge`` must be calibrated already. Factors below 1 use only films with frames enough to be
    slowed down. Every film counts alike; its still frames do not count.
    """
    rows: dict[float, list[NDArray[np.float32]]] = {factor: [] for factor in RESPONSE_FACTORS}
    for film in films[:: max(1, len(films) // RESPONSE_FILMS)]:
        rate = (len(film.times_s) - 1) / film.end_s
        factors = tuple(f for f in RESPONSE_FACTORS if f * rate >= 0.99 * float(clip.frame_rate))
        frames = (
            Frame(Fraction(float(time_s)), pixels)
            for time_s, pixels in zip(film.times_s, halve(film.frames_FHWC), strict=True)
        )
        for shot in judge_shots(frames, judge, clip, factors):
            for factor, log_odds, peak in zip(factors, shot.log_odds, shot.peak_motion, strict=True):
                moving = log_odds[peak > STILL_PX]
                if len(moving):
                    rows[factor].append(moving)
    means = {f: np.array([row.mean() for row in r]) for f, r in rows.items()}
    seconds = {f: np.array([(row**2).mean() for row in r]) for f, r in rows.items()}
    kept = [f for f in RESPONSE_FACTORS if len(rows[f]) >= 10]
    mean = np.array([means[f].mean() for f in kept])
    spread = np.sqrt(np.array([seconds[f].mean() for f in kept]) - mean**2)
    # More speed cannot look more natural: what is not monotone here is noise of the sample.
    return {"factors": list(kept), "mean": np.maximum.accumulate(mean).tolist(), "spread": spread.tolist()}


def calibrate(
    trained: list[FilmScores],
    held_out: list[FilmScores],
    films: Sequence[Film],
    judge: Judge,
    clip: ClipSpec,
) -> dict[str, Any]:
    """The ``calibration`` entry of an exported network: bias, temperature, response.

    Args:
        trained: scores of the films trained on. They help to place the bias, as they do the
            mean-flow threshold: a dozen held-out sources may all be livelier than most film.
        held_out: scores of the others, on which alone confidence can be judged.
        films: the held-out films themselves.
        judge: the network before calibration.
        clip: what it looks at.
    """
    bias, _ = fit_scale(trained + held_out)
    _, temperature = fit_scale(held_out)

    def calibrated(
        clips: NDArray[np.uint8], intervals: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        logits, flow = judge(clips, intervals)
        score = (logits[:, 1] - logits[:, 0] - bias) / temperature
        return np.stack([-score / 2, score / 2], 1).astype(np.float32), flow

    return {"bias": bias, "temperature": temperature, "response": measure_response(films, calibrated, clip)}
