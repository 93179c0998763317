from collections import deque

import numpy as np
import pytest

from speediness.live.session import Follower
from speediness.results.plan import SpeedPlan


def swinging_plan(seconds: float = 120) -> SpeedPlan:
    times_s = np.linspace(0, seconds, 1201)
    slowness = 1 / (2.2 + np.sin(2 * np.pi * times_s / 16))
    return SpeedPlan(times_s, slowness, 2.0)


def drifts_of_a_player(plan: SpeedPlan, delay_s: float, pace: float = 1.0) -> list[float]:
    """Millisecond by millisecond: it obeys late, shows 25 frames a second, its clock runs by ``pace``."""
    speed = float(plan.factor_at(0.0))
    follower, source_s, speeds = Follower(plan), 0.0, deque([speed] * round(delay_s * 1000))
    shown, drifts = -1, []
    for now_ms in range(round(plan.output_duration_s * 1000) - 500):
        if int(source_s * 25) > shown:
            shown = int(source_s * 25)
            speed = follower.speed(shown / 25, now_ms / 1000)
            drifts.append(float(plan.output_time(source_s)) - now_ms / 1000)
        speeds.append(speed)
        source_s += speeds.popleft() * pace / 1000
    return drifts


@pytest.mark.parametrize("delay_s", [0.2, 0.4])
@pytest.mark.parametrize("pace", [1.0, 0.98])
def test_a_player_that_obeys_late_and_counts_wrong_stays_on_the_plan(delay_s: float, pace: float) -> None:
    drifts = drifts_of_a_player(swinging_plan(), delay_s, pace)
    assert np.abs(drifts).max() < 0.12
    assert abs(np.mean(drifts[-500:])) < 0.03


def test_where_it_was_lost_the_plan_goes_on_from_there() -> None:
    plan = swinging_plan()
    follower = Follower(plan)
    follower.speed(0.0, 0.0)
    follower.speed(40.0, 0.1)
    assert follower.drift_s is None
    due_s = float(plan.source_time(plan.output_time(40.0) + 1.0))
    follower.speed(due_s, 1.1)
    assert follower.drift_s == pytest.approx(0, abs=1e-9)
