"""A video played along its plan in mpv: the plan followed, changed by keys, and drawn."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from speediness.errors import PlanError
from speediness.live.mpv import POSITION, Mpv
from speediness.live.overlay import HEIGHT, Overlay
from speediness.results.curve import SpeedinessCurve
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


EVERY_S = 0.05  # a new speed
DRAWN_EVERY_S = 0.2
RATE_STEP = 0.25
HELP_S = 6
KEYS = {
    "a": "adaptive",
    "u": "uniform",
    "o": "original",
    "]": "faster",
    "[": "slower",
    "BS": "reset",
    "c": "curve",
}
"""mpv's names of keys; brackets and backspace are those by which it changes its speed itself."""
KEYS_HELP = "A adaptive, U uniform, O original, [ ] rate, C curve"
OBSERVED = (POSITION, "core-idle", "osd-dimensions")


@dataclass
class Session:
    """Plays one video until mpv is closed.

    Attributes:
        drifts_s: how far mpv was ahead of the plan, output seconds, at every frame that was shown.
    """

    curve: SpeedinessCurve
    replan: Callable[[float], SpeedPlan]
    """The plan at a rate; raises PlanError where there is none."""
    rate: float
    starts_at_s: float
    """First frame on the container's clock."""
    drifts_s: list[float] = field(default_factory=list[float])

    def __post_init__(self) -> None:
        """Plan; raises PlanError."""
        self._first_rate, self._mode, self._shown = self.rate, "adaptive", True
        self._adaptive = self.replan(self.rate)
        self._follower = Follower(self._adaptive)
        self._width, self._source_s = HEIGHT * 16 / 9, 0.0
        self._speed_due_s = self._drawing_due_s = 0.0
        self._overlay = Overlay(self.curve, self._adaptive, self._width)

    def play(self, video: Path, options: Sequence[str] = ()) -> None:
        """Play the video of the curve, with options of mpv's command line.

        Raises:
            SpeedinessError: as :class:`~speediness.live.mpv.Mpv`.
        """
        with Mpv(video, options) as mpv:
            for number, name in enumerate(OBSERVED):
                mpv.command("observe_property", number, name)
            for key, action in KEYS.items():
                mpv.command("keybind", key, f"script-message speediness {action}")
            mpv.command("set_property", "speed", float(self._follower.plan.factor[0]))
            self._draw(mpv)
            mpv.command("show-text", KEYS_HELP, HELP_S * 1000)
            mpv.command("set_property", "pause", False)
            for event in mpv.events():
                self._react(mpv, event)

    def _react(self, mpv: Mpv, event: dict[str, Any]) -> None:
        match event:
            case {"name": "time-pos", "data": float() | int() as at_s}:
                self._go_on(mpv, at_s - self.starts_at_s, time.monotonic())
            case {"name": "core-idle", "data": True} | {"event": "seek"}:
                self._follower.stop_clock()
            case {"name": "osd-dimensions", "data": {"w": w, "h": h}} if w and h:
                self._width = HEIGHT * w / h
                self._draw(mpv)
            case {"event": "client-message", "args": ["speediness", str(action)]}:
                self._act(mpv, action)
            case _:
                pass

    def _go_on(self, mpv: Mpv, source_s: float, now_s: float) -> None:
        self._source_s = source_s
        speed = self._follower.speed(source_s, now_s)
        if self._follower.drift_s is not None:
            self.drifts_s.append(self._follower.drift_s)
        if now_s >= self._speed_due_s:
            self._speed_due_s = now_s + EVERY_S
            mpv.command("set_property", "speed", speed)
        if self._shown and now_s >= self._drawing_due_s:
            self._draw_playhead(mpv)

    def _act(self, mpv: Mpv, action: str) -> None:
        if action == "curve":
            self._shown = not self._shown
        elif action in ("adaptive", "uniform", "original"):
            self._mode = action
        else:
            step = {"faster": RATE_STEP, "slower": -RATE_STEP}.get(action)
            rate = self._first_rate if step is None else self.rate + step
            try:
                self._adaptive, self.rate = self.replan(rate), rate
            except PlanError as error:
                mpv.command("show-text", str(error))
        plan = self._adaptive
        if self._mode != "adaptive":
            plan = _flat(plan, self.rate if self._mode == "uniform" else 1.0)
        self._follower = Follower(plan)
        self._draw(mpv)

    def _draw(self, mpv: Mpv) -> None:
        self._overlay = Overlay(self.curve, self._follower.plan, self._width)
        self._lay(mpv, 0, self._overlay.panel())
        self._draw_playhead(mpv)

    def _draw_playhead(self, mpv: Mpv) -> None:
        self._drawing_due_s = time.monotonic() + DRAWN_EVERY_S
        words = self._mode if self._mode == "original" else f"{self._mode} {self.rate:g}×"
        self._lay(mpv, 1, self._overlay.playhead(self._source_s, words))

    def _lay(self, mpv: Mpv, layer: int, data: str) -> None:
        form = "ass-events" if self._shown else "none"
        size = {"res_x": round(self._width), "res_y": HEIGHT}
        mpv.command("osd-overlay", id=layer, format=form, data=data if self._shown else "", z=layer, **size)


def _flat(plan: SpeedPlan, rate: float) -> SpeedPlan:
    ends_s = plan.times_s[[0, -1]]
    return replace(plan, times_s=ends_s, slowness=np.full(2, 1 / rate), rate=rate)
