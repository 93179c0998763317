"""Which speed keeps a player on the plan: the plan's, and a little more or less to make up for drift."""

import numpy as np

from speediness.results.plan import SpeedPlan

CATCH_UP_S = 0.5  # drift is made up for at a rate of 1 / CATCH_UP_S
MOST_CORRECTION = 0.25
LOOK_AHEAD_S = 0.4  # what mpv holds ready was stretched before the speed changed; 0.4 left least drift
LOST_S = 2.0  # further off than this the machine is too slow, or stood still: the plan goes on from there


class Follower:
    """Compares where a player is with where its plan is by the clock.

    Attributes:
        drift_s: how far the player was ahead of the plan, output seconds; None where the clock began.
    """

    def __init__(self, plan: SpeedPlan) -> None:
        self.plan = plan
        self.drift_s: float | None = None
        self._anchor: tuple[float, float] | None = None

    def stop_clock(self) -> None:
        """What plays is paused, waits for data or seeks: the plan goes on from where it starts again."""
        self._anchor = None

    def speed(self, source_s: float, now_s: float) -> float:
        """The factor to play at.

        Args:
            source_s: moment of the source that is played.
            now_s: by a clock that nobody sets.
        """
        at_s = float(self.plan.output_time(source_s))
        self.drift_s = None
        if self._anchor is not None:
            due_s = self._anchor[0] + now_s - self._anchor[1]
            self.drift_s = at_s - due_s
        if self.drift_s is None or abs(self.drift_s) > LOST_S:
            self._anchor, self.drift_s = (at_s, now_s), None
        ahead_s = self.plan.source_time(at_s + LOOK_AHEAD_S)
        correction = np.clip((self.drift_s or 0.0) / CATCH_UP_S, -MOST_CORRECTION, MOST_CORRECTION)
        return float(self.plan.factor_at(ahead_s) * (1 - correction))
