"""A curve in as many columns as a screen has room for."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from speediness.results.curve import SpeedinessCurve

COLUMNS = 1000


def curve_columns(curve: SpeedinessCurve, columns: int = COLUMNS) -> dict[str, Any]:
    """What the page draws of a curve, however long the video, in so many columns at most.

    Returns:
        What :func:`columns_between` says of the whole, and the video's ``duration_s``, ``frames``,
        ``segments``, ``cuts_s``, ``notes``.
    """
    document = curve.outline()
    return {
        "duration_s": curve.duration_s,
        "frames": len(curve.times_s),
        **columns_between(curve, 0, curve.duration_s, columns),
        "segments": document["segments"],
        "cuts_s": document["cuts_s"],
        "notes": document["notes"],
    }


def columns_between(
    curve: SpeedinessCurve, start_s: float, end_s: float, columns: int = COLUMNS
) -> dict[str, Any]:
    """The frames on screen from one moment to another; fewer than ``columns`` are given one by one.

    Lowest and highest values keep every peak.

    Returns:
        ``times_s``: starts of the columns (C,), C at most ``columns``; ``score``: 1 - P_v0 as
        ``low``, ``mean`` and ``high`` (C,); ``limit``: the mean of V (C,).
    """
    first = max(int(np.searchsorted(curve.times_s, start_s, "right")) - 1, 0)
    end = max(int(np.searchsorted(curve.times_s, end_s)), first + 1)
    starts = np.linspace(0, end - first, min(columns, end - first), endpoint=False).astype(np.int64)
    counts = np.diff(starts, append=end - first)
    score = curve.sped_up[first:end]

    def mean(values: NDArray[np.floating]) -> list[float]:
        return _short(np.add.reduceat(values.astype(np.float64), starts) / counts)

    return {
        "times_s": _short(curve.times_s[first:end][starts]),
        "score": {
            "low": _short(np.minimum.reduceat(score, starts)),
            "mean": mean(score),
            "high": _short(np.maximum.reduceat(score, starts)),
        },
        "limit": mean(curve.limit()[first:end]),
    }


def _short(values: NDArray[np.floating]) -> list[float]:
    return [round(float(value), 3) for value in values]
