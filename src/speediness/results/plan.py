"""S*(t), the plan between analysis and rendering, a versioned JSON document (docs/formats.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speediness.errors import DataError
from speediness.results.curve import Float64s
from speediness.results.documents import read_json, rounded, write_json

PLAN_SCHEMA = "speediness.plan/1"


@dataclass(frozen=True, eq=False)
class SpeedPlan:
    """S*(t): how fast to play each moment so that the video has its target length (§4.2).

    Slowness 1/S is linear between M knots, so output time is its exact, monotone integral.

    Raises:
        ValueError: shapes that do not fit, knots that do not ascend from 0, slowness not positive.
    """

    times_s: Float64s
    """(M,) knots, ascending from 0 to the video's duration."""
    slowness: Float64s
    """(M,) output seconds per source second at the knots, positive."""
    rate: float
    """The target: source duration / output duration."""
    made_by: dict[str, Any] = field(default_factory=dict)
    """Curve, settings and version that made this."""

    def __post_init__(self) -> None:
        """Refuse what is no monotone map of time."""
        if self.times_s.ndim != 1 or self.times_s.shape != self.slowness.shape or len(self.times_s) < 2:
            raise ValueError("a plan needs two knots or more and one slowness for each")
        if self.times_s[0] != 0 or not (
            np.all(np.isfinite(self.times_s)) and np.all(np.diff(self.times_s) > 0)
        ):
            raise ValueError("knots do not ascend from 0")
        if not (np.all(self.slowness > 0) and np.all(np.isfinite(self.slowness))):
            raise ValueError("slowness is not positive")
        if not 0 < self.rate < np.inf:
            raise ValueError(f"rate {self.rate} out of range")

    @property
    def factor(self) -> Float64s:
        """(M,) S*(t) at the knots."""
        return 1 / self.slowness

    def factor_at(self, source_s: Float64s | float) -> Float64s:
        """S*(t) at moments of the source; beyond its ends as there."""
        return np.asarray(1 / np.interp(source_s, self.times_s, self.slowness))

    @cached_property
    def _output_knots_s(self) -> Float64s:
        """(M,) when each knot is shown; kept, because the renderer asks once per piece of video."""
        steps = np.diff(self.times_s) * (self.slowness[1:] + self.slowness[:-1]) / 2
        return np.concatenate([[0.0], np.cumsum(steps)])

    @property
    def source_duration_s(self) -> float:
        """Length of the video as it is."""
        return float(self.times_s[-1])

    @property
    def output_duration_s(self) -> float:
        """Length of the video when played by this plan."""
        return float(self._output_knots_s[-1])

    def output_time(self, source_s: Float64s | float) -> Float64s:
        """When a moment of the source is shown; clamped to the video's ends."""
        source_s = np.clip(source_s, 0, self.times_s[-1])
        cell, slope = self._cells(self.times_s, source_s)
        into = source_s - self.times_s[cell]
        return self._output_knots_s[cell] + into * (self.slowness[cell] + slope * into / 2)

    def source_time(self, output_s: Float64s | float) -> Float64s:
        """Which moment of the source is shown; inverse of :meth:`output_time`."""
        output_s = np.clip(output_s, 0, self._output_knots_s[-1])
        cell, slope = self._cells(self._output_knots_s, output_s)
        wanted = output_s - self._output_knots_s[cell]
        start = self.slowness[cell]
        # Root of start * x + slope * x^2 / 2 = wanted, in the form that is stable at slope 0.
        root = np.sqrt(np.maximum(start**2 + 2 * slope * wanted, 0))
        return np.minimum(self.times_s[cell] + 2 * wanted / (start + root), self.times_s[cell + 1])

    def _cells(self, knots_s: Float64s, moments_s: Float64s) -> tuple[NDArray[np.intp], Float64s]:
        """The knot before each moment, and how slowness changes per source second after it."""
        cell = np.clip(np.searchsorted(knots_s, moments_s, "right") - 1, 0, len(knots_s) - 2)
        rise = self.slowness[cell + 1] - self.slowness[cell]
        return cell, rise / (self.times_s[cell + 1] - self.times_s[cell])

    def save(self, path: Path) -> None:
        """Write the document of docs/formats.md; beside first, then renamed.

        Slowness keeps all its digits, so that lengths stay exact.

        Raises:
            OutputError: the folder is missing, not writable or full.
        """
        document = {
            "schema": PLAN_SCHEMA,
            "made_by": self.made_by,
            "rate": self.rate,
            "source_duration_s": self.source_duration_s,
            "output_duration_s": self.output_duration_s,
            "times_s": self.times_s,
            "factor": rounded(self.factor, 6),
            "slowness": self.slowness,
        }
        write_json(path, document)

    @classmethod
    def load(cls, path: Path) -> SpeedPlan:
        """Read a document written by :meth:`save`.

        Raises:
            DataError: not a plan, or of a version this program does not know.
        """
        document = read_json(path, PLAN_SCHEMA)
        try:
            return cls(
                times_s=np.array(document["times_s"], np.float64),
                slowness=np.array(document["slowness"], np.float64),
                rate=float(document["rate"]),
                made_by=dict(document["made_by"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path} is damaged ({error}); plan again") from error
