"""A curve in as many columns as a screen has room for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from speediness.results.curve import THRESHOLDS, SpeedinessCurve

COLUMNS = 1000


def curve_columns(curve: SpeedinessCurve, columns: int = COLUMNS) -> dict[str, Any]:
    """What the page draws of a curve, however long the video.

    Lowest and highest values keep every peak; V is given at each threshold a plan may choose.

    Args:
        curve: of F frames.
        columns: the most columns to sum up in; fewer frames are given one by one.

    Returns:
        ``times_s``: starts of the columns (C,), C at most ``columns``; ``score``: 1 - P_v0 as
        ``low``, ``mean`` and ``high`` (C,); ``limits``: for each rho as ``"0.5"`` the V with ``mean``
        and ``high`` (C,); and the video's ``duration_s``, ``frames``, ``segments``, ``cuts_s``, ``notes``.
    """
    frames = len(curve.times_s)
    starts = np.linspace(0, frames, min(columns, frames), endpoint=False).astype(np.int64)
    counts = np.diff(starts, append=frames)

    def mean(values: NDArray[np.floating]) -> list[float]:
        return _short(np.add.reduceat(values.astype(np.float64), starts) / counts)

    limits = {f"{rho:.1f}": curve.limit(rho) for rho in THRESHOLDS}
    document = curve.outline()
    return {
        "duration_s": curve.duration_s,
        "frames": frames,
        "times_s": _short(curve.times_s[starts]),
        "score": {
            "low": _short(np.minimum.reduceat(curve.sped_up, starts)),
            "mean": mean(curve.sped_up),
            "high": _short(np.maximum.reduceat(curve.sped_up, starts)),
        },
        "limits": {
            rho: {"mean": mean(limit), "high": _short(np.maximum.reduceat(limit, starts))}
            for rho, limit in limits.items()
        },
        "segments": document["segments"],
        "cuts_s": document["cuts_s"],
        "notes": document["notes"],
    }


def _short(values: NDArray[np.floating]) -> list[float]:
    return [round(float(value), 3) for value in values]
