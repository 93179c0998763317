"""From raw scores to probabilities, and the network's response to natural video at every factor."""

# K factors, F frames of a video

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from speediness.analysis.curve import STILL_PX
from speediness.analysis.windows import score_shots
from speediness.clip import ClipSpec
from speediness.datasets.decoded_video import DecodedVideo
from speediness.engines.runtime import Floats, Runtime
from speediness.evaluation.speed_accuracy import VideoScores, halve
from speediness.sampling import nearest_frames, play_at, playback_factors, played_intervals
from speediness.video.reader import Frame

RESPONSE_VIDEOS = 40  # at least, where there are so many; more change little and take their time
RESPONSE_EDGES = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0)


def fit_scale(scores: list[VideoScores]) -> tuple[float, float]:
    """Bias and temperature that make sigmoid((score - bias) / temperature) a probability.

    Logistic regression of 2x against 1x on one score, by Newton's method; every video counts alike.
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


def centred(scores: list[VideoScores], bias: float) -> list[VideoScores]:
    """The scores with the bias of :func:`fit_scale` taken away, so that 0 is undecided."""
    return [
        replace(
            video,
            score_1x=video.score_1x - bias,
            score_2x=video.score_2x - bias,
            score_magnified=video.score_magnified - bias,
        )
        for video in scores
    ]


def measure_context_bias(videos: Sequence[DecodedVideo], runtime: Runtime, clip: ClipSpec) -> float:
    """How much more a window's log-odds are in its context than alone; 0 where it is always alone.

    Alone a window has ends, and beyond them the motion is taken to go on evenly. Every video counts
    alike, at 1x and at 2x, by its windows that have all their context.
    """
    if runtime.context is None:
        return 0.0
    length = clip.n_frames + 2 * runtime.context
    more = []
    for video in videos:
        for factor in (1.0, 2.0):
            span_s = video.times_s[-1] - video.times_s[0]
            count = 1 + int(span_s / factor * float(clip.frame_rate))
            if count < length:
                continue
            times_s = play_at(video.times_s[0], factor, count, clip.frame_rate)
            indices = nearest_frames(video.times_s, times_s)
            frames = halve(video.frames_FHWC[indices])
            height, width = (side // clip.unit_px * clip.unit_px for side in frames.shape[1:3])
            frames = frames[:, :height, :width]
            flow_grid = runtime.motion(frames[:-1], frames[1:])
            intervals = played_intervals(video.times_s, indices, factor, clip.frame_rate)
            whole = _log_odds(runtime, flow_grid[None], intervals[None])[
                0, runtime.context : -runtime.context
            ]
            starts = range(runtime.context, runtime.context + len(whole))
            window = clip.n_frames - 1
            alone = _log_odds(
                runtime,
                np.stack([flow_grid[n : n + window] for n in starts]),
                np.stack([intervals[n : n + window] for n in starts]),
            )[:, 0]
            more.append(float((whole - alone).mean()))
    return float(np.mean(more)) if more else 0.0


def _log_odds(runtime: Runtime, flow_grid: Floats, intervals: Floats) -> Floats:
    logits = runtime.windows(None, flow_grid, intervals).logits
    return logits[..., 1] - logits[..., 0]


def measure_response(videos: Sequence[DecodedVideo], runtime: Runtime, clip: ClipSpec) -> dict[str, Any]:
    """The ``response`` of an exported network, see :class:`speediness.analysis.network.Response`.

    ``runtime`` must be calibrated already. Every video counts alike; its still frames do not count.
    One more video with an answer in every bin keeps what was never seen from being impossible.
    """
    factors = playback_factors()
    counts = np.ones((len(factors), len(RESPONSE_EDGES) + 1))
    for video in videos[:: max(1, len(videos) // RESPONSE_VIDEOS)]:
        frames = (
            Frame(Fraction(float(time_s)), pixels)
            for time_s, pixels in zip(video.times_s, halve(video.frames_FHWC), strict=True)
        )
        shots = score_shots(frames, runtime, clip, factors)
        log_odds_KF = np.concatenate([shot.log_odds for shot in shots], 1)
        moving_F = np.concatenate([shot.peak_motion[0] for shot in shots]) > STILL_PX
        if moving_F.any():
            for row, log_odds in zip(counts, log_odds_KF[:, moving_F], strict=True):
                bins = np.digitize(log_odds, RESPONSE_EDGES)
                row += np.bincount(bins, minlength=len(row)) / len(bins)
    share = counts / counts.sum(1, keepdims=True)
    return {"factors": list(factors), "edges": list(RESPONSE_EDGES), "share": share.tolist()}


def calibrate(
    trained: list[VideoScores],
    held_out: list[VideoScores],
    videos: Sequence[DecodedVideo],
    runtime: Runtime,
    clip: ClipSpec,
) -> dict[str, Any]:
    """The ``calibration`` entry of an exported network: biases, temperature, response.

    Args:
        trained: scores of the videos trained on. They help to place the bias, as they do the
            mean-flow threshold: a dozen held-out sources may all be livelier than most video.
        held_out: scores of the others, on which alone confidence can be measured.
        videos: the held-out videos themselves.
        runtime: the network before calibration.
        clip: what it looks at.
    """
    bias, _ = fit_scale(trained + held_out)
    _, temperature = fit_scale(held_out)

    context_bias = measure_context_bias(videos, runtime, clip)
    response = measure_response(videos, runtime.calibrated(bias, temperature, context_bias), clip)
    return {"bias": bias, "temperature": temperature, "context_bias": context_bias, "response": response}
