"""How sure a share is: whole sources are resampled, since films of one source are alike."""

# F films, R sources, D resamples

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

DRAWS = 1000


def share_interval(right: ArrayLike, sources: Sequence[str]) -> tuple[float, float]:
    """95 % interval of a share by bootstrap over sources.

    Args:
        right: (F,) whether each film was right, or how often.
        sources: (F,) of each film.
    """
    names, source_F = np.unique(np.asarray(sources), return_inverse=True)
    right_R, films_R = (
        np.bincount(source_F, weights, len(names))
        for weights in (np.asarray(right, np.float64), np.ones(len(source_F)))
    )
    rng = np.random.default_rng(0)
    drawn_DR = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)
    low, high = np.quantile(drawn_DR @ right_R / (drawn_DR @ films_R), (0.025, 0.975))
    return float(low), float(high)
