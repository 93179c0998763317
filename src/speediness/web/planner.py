"""Plans for the slider, from curves kept at hand."""

import base64
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speediness.results.curve import SpeedinessCurve
from speediness.speedup.solver import Span, plan_speedup

KEPT = 3  # an hour's curve takes some 6 MB


class Planner:
    """Plans videos on the full curve: what the page plays is what would be rendered."""

    def __init__(self) -> None:
        self._curves: OrderedDict[Path, SpeedinessCurve] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, path: Path) -> SpeedinessCurve:
        """A curve, read once; the least recently used ones are forgotten.

        Raises:
            DataError: it cannot be read.
        """
        with self._lock:
            curve = self._curves.pop(path, None) or SpeedinessCurve.load(path)
            self._curves[path] = curve
            if len(self._curves) > KEPT:
                self._curves.popitem(last=False)
            return curve

    def plan(self, path: Path, rate: float, locks_s: Sequence[Span]) -> dict[str, Any]:
        """S*(t) for the page: slowness at evenly spaced knots from the video's start to its end.

        The knots of an hour are 36 000: as text they would take longer than planning, so they are float32,
        little-endian, in base64. Its seven digits add up to microseconds over an hour. ``rate`` is source
        duration / output duration; locks keep the speed of the source.

        Raises:
            DataError: the curve cannot be read.
            PlanError: rate or locks ask for what cannot be.
        """
        curve = self.load(path)
        plan = plan_speedup(curve, rate, locks_s=locks_s)
        return {
            "rate": plan.rate,
            "source_duration_s": plan.source_duration_s,
            "output_duration_s": plan.output_duration_s,
            "slowest": round(float(plan.factor.min()), 3),
            "fastest": round(float(plan.factor.max()), 3),
            "slowness": base64.b64encode(plan.slowness.astype("<f4").tobytes()).decode(),
        }
