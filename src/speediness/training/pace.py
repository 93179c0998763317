"""How far a run has come, by steps or by the clock, and how long it still takes."""

import time


class Pace:
    """Progress of a run towards its last step or its last minute (None: any), whichever comes first.

    ``done`` steps and ``spent_s`` seconds were spent on it before it goes on.
    """

    def __init__(self, steps: int, minutes: float | None, done: int, spent_s: float) -> None:
        self.steps, self.minutes = steps, minutes
        self._before_s, self._started_s = spent_s, time.monotonic()
        self._first = self.progress(done, spent_s)

    def spent_s(self) -> float:
        """Seconds spent so far, those before the run went on included."""
        return self._before_s + time.monotonic() - self._started_s

    def progress(self, done: int, spent_s: float) -> float:
        """0 at the start, 1 or more at the end, after ``done`` steps and ``spent_s`` seconds."""
        by_clock = spent_s / 60 / self.minutes if self.minutes else 0.0
        return max(done / self.steps, by_clock)

    def minutes_left(self, progress: float) -> float:
        """By what it took to get here since this process began."""
        made = max(progress - self._first, 1e-9)
        return (self.spent_s() - self._before_s) / made * max(1 - progress, 0.0) / 60
