"""How sure a share is: whole sources are resampled, since videos of one source are alike."""

# F videos, R sources, D resamples, S seeds

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 1000


def share_interval(right: ArrayLike, sources: Sequence[str]) -> tuple[float, float]:
    """95 % interval of a share by bootstrap over sources.

    Args:
        right: (F,) whether each video was right, or how often.
        sources: (F,) of each video.
    """
    _, source_F = np.unique(np.asarray(sources), return_inverse=True)
    right_R = np.bincount(source_F, np.asarray(right, np.float64))
    drawn_DR = _resampled(len(right_R), np.random.default_rng(0))
    low, high = np.quantile(drawn_DR @ right_R / (drawn_DR @ np.bincount(source_F)), (0.025, 0.975))
    return float(low), float(high)


def gain_interval(
    right_SF: ArrayLike, base_SF: ArrayLike, sources: Sequence[str]
) -> tuple[float, tuple[float, float]]:
    """How much larger one share is than another on the same videos, and its 95 % interval.

    Videos that both find hard are hard in both, so this is narrower than two intervals side by side.
    Sources are resampled for both together, and the networks of each side among themselves.

    Args:
        right_SF: whether each video was right, by network.
        base_SF: the same of what is compared with; may be of more networks, or fewer.
        sources: (F,) of each video.
    """
    _, source_F = np.unique(np.asarray(sources), return_inverse=True)
    videos_R = np.bincount(source_F)
    rng = np.random.default_rng(0)
    drawn_DR = _resampled(len(videos_R), rng)

    def shares(one_SF: ArrayLike) -> NDArray[np.float64]:
        right_SR = np.stack([np.bincount(source_F, row) for row in np.asarray(one_SF, np.float64)])
        drawn_DS = _resampled(len(right_SR), rng) / len(right_SR)
        return np.einsum("ds,sr,dr->d", drawn_DS, right_SR, drawn_DR) / (drawn_DR @ videos_R)

    gain_D = shares(right_SF) - shares(base_SF)
    low, high = np.quantile(gain_D, (0.025, 0.975))
    gain = np.asarray(right_SF, np.float64).mean() - np.asarray(base_SF, np.float64).mean()
    return float(gain), (float(low), float(high))


def _resampled(count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(DRAWS, count): how often each of so many was drawn, with replacement."""
    return rng.multinomial(count, np.full(count, 1 / count), DRAWS)
