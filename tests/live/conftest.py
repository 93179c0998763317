import numpy as np
import pytest

from speediness.results.curve import SpeedinessCurve
from speediness.sampling import playback_factors


@pytest.fixture
def curve() -> SpeedinessCurve:
    """The first half may be played at 4x, the second not."""
    times_s, factors = np.arange(500) / 25, playback_factors()
    reach = np.where(times_s < 10, 4.0, 1.0)
    normal = np.stack([np.where(factor <= reach, 0.9, 0.1) for factor in factors]).astype(np.float32)
    return SpeedinessCurve(times_s, 20, factors, normal, np.ones(500, np.float32))
