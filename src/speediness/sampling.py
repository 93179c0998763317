"""Which frames: the one place that says which moments of a video a clip is made of.

Training, evaluation and the product all draw their clips here. Times are seconds on the video's
own clock (float64, made from exact presentation timestamps); a clip is drawn at the network's
reference rate whatever the video's frame rate, so that a 60 fps and a 25 fps recording of the
same motion give the same clip. Arrays in, arrays out: no decoding, no torch, no global state.
"""

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


def even_step(frame_times_s: Times, factor: float, frame_rate: Fraction | float) -> int:
    """Every how many-th frame a clip takes, so that its frames lie evenly, at least 1.

    The nearest frames to an even grid do not: of 25 a second, for 16, they lie 1 and 2 frames apart in
    turn at natural speed and less unevenly at twice that, which a network can tell the speed by. So the
    grid gives way: the step is the whole number of frames nearest to what is asked for.

    Args:
        frame_times_s: of the video; the first 32 say how far apart its frames lie.
        factor: playback factor.
        frame_rate: reference rate of the network.
    """
    gaps_s = np.diff(frame_times_s[:33])
    if not len(gaps_s):
        return 1
    return max(1, round(factor / (float(frame_rate) * float(np.median(gaps_s)))))


def even_frames(frame_times_s: Times, times_s: Times) -> Indices:
    """Frames nearest to evenly spaced times, a whole number of frames apart (:func:`even_step`).

    Raises:
        ValueError: the video is too short for them.
    """
    spacing_s = float(np.abs(times_s[-1] - times_s[0])) / (len(times_s) - 1)
    step = even_step(frame_times_s, 1.0, 1 / spacing_s)
    span = step * (len(times_s) - 1)
    if span >= len(frame_times_s):
        raise ValueError("the video is too short for the clip")
    middle = int(nearest_frames(frame_times_s, np.array([(times_s[0] + times_s[-1]) / 2]))[0])
    first = min(max(middle - span // 2, 0), len(frame_times_s) - 1 - span)
    indices = first + step * np.arange(len(times_s))
    return (indices if times_s[-1] >= times_s[0] else indices[::-1]).astype(np.int64)


def holds_clip(frame_times_s: Times, factor: float, n_frames: int, frame_rate: Fraction | float) -> bool:
    """Whether a video has the frames of a clip that is played ``factor`` times as fast."""
    # A hair more, so that rounding noise does not decide between two steps.
    return even_step(frame_times_s, factor * (1 + 1e-6), frame_rate) * (n_frames - 1) < len(frame_times_s)


def slide(start_s: float, end_s: float, stride_s: float) -> Times:
    """Middles of the windows that cover ``[start_s, end_s]``: both ends, evenly, <= stride apart."""
    if stride_s <= 0:
        raise ValueError("stride_s must be positive")
    count = 1 + int(np.ceil(max(end_s - start_s, 0) / stride_s - 1e-9))
    return np.linspace(start_s, end_s, count) if count > 1 else np.array([(start_s + end_s) / 2])
