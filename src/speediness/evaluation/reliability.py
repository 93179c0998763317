"""Does 0.9 mean nine in ten? Predicted against observed share of sped-up windows."""

# W windows, N bins, R sources, D resamples

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 10
DRAWS = 400


def reliability(
    probability: ArrayLike, sped_up: ArrayLike, source: Sequence[str], bins: int = BINS
) -> dict[str, Any]:
    """Sort windows by the predicted probability and count how many were in fact sped up.

    Args:
        probability: (W,) P(sped up), 0..1.
        sped_up: (W,) whether the window was.
        source: (W,) of each window; whole sources are resampled, since windows of one are alike.
        bins: equal parts of 0..1.

    Returns:
        ``bins``, those with windows in them: ``low`` and ``high`` edge, ``windows``, mean
        ``predicted`` probability, ``observed`` share of sped up and its ``interval_95``, which is
        all of 0..1 where a single source fills the bin. ``expected_calibration_error``: mean
        distance of the two over all windows (Naeini et al. 2015), with ``error_interval_95``.
    """
    probability_W = np.asarray(probability, np.float64)
    bin_W = np.minimum((probability_W * bins).astype(np.int64), bins - 1)
    names, source_W = np.unique(np.asarray(source), return_inverse=True)
    # (R, N): what each source puts into each bin.
    count, predicted, observed = (
        np.bincount(source_W * bins + bin_W, weight_W, len(names) * bins).reshape(-1, bins)
        for weight_W in (np.ones_like(probability_W), probability_W, np.asarray(sped_up, np.float64))
    )
    rng = np.random.default_rng(0)
    times_drawn_DR = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)
    drawn_DN = times_drawn_DR @ count
    with np.errstate(invalid="ignore"):  # a draw may leave a bin empty: 0 / 0, which nanquantile skips
        share_DN = (times_drawn_DR @ observed) / drawn_DN
    error_D = np.abs(times_drawn_DR @ (observed - predicted)).sum(1) / drawn_DN.sum(1)

    def described(n: int) -> dict[str, Any]:
        windows = count[:, n].sum()
        single = np.count_nonzero(count[:, n]) == 1
        return {
            "low": n / bins,
            "high": (n + 1) / bins,
            "windows": int(windows),
            "predicted": float(predicted[:, n].sum() / windows),
            "observed": float(observed[:, n].sum() / windows),
            "interval_95": (0.0, 1.0) if single else _interval(share_DN[:, n]),
        }

    return {
        "bins": [described(n) for n in range(bins) if count[:, n].any()],
        "expected_calibration_error": float(np.abs((observed - predicted).sum(0)).sum() / count.sum()),
        "error_interval_95": _interval(error_D),
    }


def _interval(values_D: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.nanquantile(values_D, (0.025, 0.975))
    return float(low), float(high)
