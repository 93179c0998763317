"""Which frames: the one place that says which moments of a video a clip is made of.

Training, evaluation and the product all draw their clips here. Times are seconds on the video's
own clock (float64, made from exact presentation timestamps); a clip is drawn at the network's
reference rate whatever the video's frame rate, so that a 60 fps and a 25 fps recording of the
same motion give the same clip. Arrays in, arrays out: no decoding, no torch, no global state.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
Indices = NDArray[np.int64]

PAPER_FACTOR_STEP = 1.25  # SpeedNet §4.1: X
PAPER_FACTOR_COUNT = 11  # SpeedNet §4.1: v_0 .. v_k with k = 10
NORMAL_FACTORS = (1.0, 1.2)  # SpeedNet §3.1: f of the normal-speed class
SPED_UP_FACTORS = (1.7, 2.2)  # SpeedNet §3.1: f of the sped-up class


def playback_factors(count: int = PAPER_FACTOR_COUNT, step: float = PAPER_FACTOR_STEP) -> tuple[float, ...]:
    """The factors X^0 .. X^(count-1) at which a video is analysed (SpeedNet §4.1)."""
    return tuple(step**i for i in range(count))


def play_at(start_s: float, factor: float, n_frames: int, frame_rate: Fraction | float) -> Times:
    """Times of ``n_frames`` frames from ``start_s`` on, the video played ``factor`` times as fast.

    Exact subsampling by any factor: neighbours lie ``factor / frame_rate`` seconds apart.
    """
    if factor <= 0 or frame_rate <= 0:
        raise ValueError("factor and frame_rate must be positive")
    return start_s + np.arange(n_frames, dtype=np.float64) * (factor / float(frame_rate))


def window_around(middle_s: float, factor: float, n_frames: int, frame_rate: Fraction | float) -> Times:
    """Like :func:`play_at`, with the middle of the window at ``middle_s`` (SpeedNet §4.1)."""
    half_s = (n_frames - 1) / 2 * factor / float(frame_rate)
    return play_at(middle_s - half_s, factor, n_frames, frame_rate)


def skip_randomly(
    start_s: float,
    factor: float,
    n_frames: int,
    frame_rate: Fraction | float,
    rng: np.random.Generator,
) -> Times:
    """The paper's temporal augmentation (SpeedNet §3.1).

    Of 3T frames at the reference rate each is dropped with probability ``1 - 1/factor``; T
    consecutive survivors are kept, from a random one on. When fewer than T survive (the mean is
    3T/f, at f = 2.2 about 1.36 T, so this is rare) the draw is repeated.
    """
    if factor < 1:
        raise ValueError("random skipping can only speed up: factor must be at least 1")
    while True:
        survivors = np.flatnonzero(rng.random(3 * n_frames) < 1 / factor)
        if len(survivors) >= n_frames:
            first = rng.integers(len(survivors) - n_frames + 1)
            return start_s + survivors[first : first + n_frames] / float(frame_rate)


def reflect(times_s: Times, start_s: float, end_s: float) -> Times:
    """Fold times into ``[start_s, end_s]`` as a ball bounces between two walls.

    This is how a window at the edge of a shot, or longer than the shot, is filled: the motion
    plays back and forth at its own speed and no window straddles a cut.
    """
    span_s = end_s - start_s
    if span_s <= 0:
        return np.full_like(times_s, start_s)
    phase_s = np.mod(times_s - start_s, 2 * span_s)
    return start_s + np.where(phase_s > span_s, 2 * span_s - phase_s, phase_s)


def nearest_frames(frame_times_s: Times, times_s: Times) -> Indices:
    """For each wanted time the index of the nearest frame; of two equally near, the earlier.

    ``frame_times_s`` must ascend. Times outside the video give its first or last frame.
    """
    if len(frame_times_s) == 0:
        raise ValueError("there are no frames to choose from")
    right = np.clip(np.searchsorted(frame_times_s, times_s), 1, max(len(frame_times_s) - 1, 1))
    left = right - 1
    right = np.minimum(right, len(frame_times_s) - 1)
    # A microsecond of slack keeps rounding noise from deciding between exact ties.
    nearer_right = times_s - frame_times_s[left] > frame_times_s[right] - times_s + 1e-6
    return np.where(nearer_right, right, left).astype(np.int64)


def played_intervals(
    frame_times_s: Times, indices: Indices, factor: float, frame_rate: Fraction | float
) -> NDArray[np.float32]:
    """How far apart a clip's frames really lie, in units of the reference interval, ``(T-1,)``.

    1.0 everywhere when the video has a frame exactly where one was wanted. A 25 fps video at a
    reference rate of 16 yields 0.64 and 1.28 in turn; the network divides displacements by
    these numbers, so that the unevenness of the nearest frames is not taken for uneven motion.
    """
    gaps_s = np.abs(np.diff(frame_times_s[indices]))
    return (gaps_s * float(frame_rate) / factor).astype(np.float32)


def slide(start_s: float, end_s: float, stride_s: float) -> Times:
    """Middles of the windows that cover ``[start_s, end_s]``: both ends, evenly, <= stride apart."""
    if stride_s <= 0:
        raise ValueError("stride_s must be positive")
    count = 1 + int(np.ceil(max(end_s - start_s, 0) / stride_s - 1e-9))
    return np.linspace(start_s, end_s, count) if count > 1 else np.array([(start_s + end_s) / 2])
