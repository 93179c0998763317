"""What a job plans before anything is rendered."""

import numpy as np
import pytest

from speediness.results.curve import SpeedinessCurve
from speediness.speedup.job import SpeedupJob
from web_site import made_up_curve


@pytest.fixture
def curve() -> SpeedinessCurve:
    return made_up_curve(20)


def test_durations_of_the_usual_rates_and_the_wanted_one(curve: SpeedinessCurve) -> None:
    job = SpeedupJob(rate=2.2)
    rows = job.durations(curve, [], job.plan(curve, []))
    assert [row["rate"] for row in rows] == [1.25, 1.5, 2.0, 2.2, 3.0, 4.0]
    for row in rows:
        plan = SpeedupJob(rate=row["rate"]).plan(curve, [])
        assert row["duration_s"] == pytest.approx(20 / row["rate"], rel=1e-12)
        assert (row["slowest"], row["fastest"]) == (plan.factor.min(), plan.factor.max())


def test_durations_keep_limits_and_leave_out_what_they_forbid(curve: SpeedinessCurve) -> None:
    """Speech may play at 1.2x: what it lasts for cannot come down to a third."""
    job, speech_s = SpeedupJob(duration_s=14, speech_rate=1.2), [(0.0, 12.0)]
    plan = job.plan(curve, speech_s)
    rows = job.durations(curve, speech_s, plan)
    assert [row["rate"] for row in rows] == pytest.approx([1.25, 20 / 14, 1.5])
    assert rows[1]["fastest"] == plan.factor.max()
    assert np.all(plan.factor[plan.times_s <= 12] <= 1.2 * (1 + 1e-9))
