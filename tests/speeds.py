"""Plans to try things on."""

from __future__ import annotations

import numpy as np

from speediness.results.plan import SpeedPlan


def random_plan(seed: int, duration_s: float) -> SpeedPlan:
    """Ramps of half a second to twenty between factors 1 to 10, some stretches at one speed."""
    rng = np.random.default_rng(seed)
    inner_s = np.cumsum(rng.uniform(0.5, 20, 2 + int(duration_s)))
    times_s = np.concatenate([[0.0], inner_s[inner_s < duration_s - 0.1], [duration_s]])
    slowness = 1 / np.exp(rng.uniform(-0.5, np.log(10), len(times_s)).clip(0))
    slowness[1:] = np.where(rng.random(len(times_s) - 1) < 0.2, slowness[:-1], slowness[1:])
    rate = duration_s / float(np.trapezoid(slowness, times_s))
    return SpeedPlan(times_s, slowness, rate)
