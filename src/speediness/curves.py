"""The values between analysis and rendering, each a versioned JSON document (docs/formats.md)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from speediness.errors import DataError

Label = Literal["natural", "sped_up", "slow_motion"]
Floats = NDArray[np.float64]

CURVE_SCHEMA = "speediness.curve/1"
PLAN_SCHEMA = "speediness.plan/1"
THRESHOLDS = tuple(i / 10 for i in range(1, 10))  # SpeedNet §4.2: rho in 0.1 .. 0.9


@dataclass(frozen=True)
class Segment:
    """A stretch of film that plays at one speed."""

    start_s: float
    end_s: float
    label: Label
    factor: float
    """Estimated playback factor: 0.5 half-speed slow motion, 1 natural, 2 twice as fast."""
    confidence: float
    """0..1, the probability the model gives to this label over the stretch."""


@dataclass(frozen=True)
class SpeedinessCurve:
    """What the network saw: for every frame, how natural the film looks at each factor (§4.1).

    Times are seconds from the first frame; F frames, K factors.
    """

    times_s: Floats
    """(F,) presentation time of every frame; the first is 0."""
    duration_s: float
    """End of the last frame."""
    factors: tuple[float, ...]
    """X^i, ascending from 1."""
    normal: NDArray[np.float32]
    """(K, F) P_vi(t): probability that the film played at factor i looks natural, 0..1."""
    motion: NDArray[np.float32]
    """(F,) mean optical-flow magnitude, pixels per reference interval at short side 64."""
    segments: tuple[Segment, ...] = ()
    cuts_s: tuple[float, ...] = ()
    """First frames of new shots."""
    notes: tuple[str, ...] = ()
    """What a reader should know: truncated input, nothing moves, ..."""
    made_by: dict[str, Any] = field(default_factory=dict)
    """Video, weights, settings and version that made this."""

    @property
    def sped_up(self) -> NDArray[np.float32]:
        """(F,) 1 - P_v0(t), the speediness score of §5.1.1."""
        return 1 - self.normal[0]

    def limit(self, rho: float = 0.5) -> Floats:
        """V(t) (F,): the fastest factor still judged natural at threshold rho (§4.1).

        Where not even the film as it is passes, V is 1: nothing faster was judged natural.
        """
        passed = np.where(self.normal >= rho, np.array(self.factors)[:, None], 1.0)
        return passed.max(0).astype(np.float64)

    def to_json(self) -> dict[str, Any]:
        """The document of docs/formats.md."""
        return {
            "schema": CURVE_SCHEMA,
            "made_by": self.made_by,
            "duration_s": round(self.duration_s, 6),
            "notes": list(self.notes),
            "cuts_s": [round(cut, 6) for cut in self.cuts_s],
            "segments": [
                {
                    "start_s": round(s.start_s, 6),
                    "end_s": round(s.end_s, 6),
                    "label": s.label,
                    "factor": round(s.factor, 3),
                    "confidence": round(s.confidence, 3),
                }
                for s in self.segments
            ],
            "times_s": _rounded(self.times_s, 6),
            "sped_up": _rounded(self.sped_up, 4),
            "limit": _rounded(self.limit(), 4),
            "motion": _rounded(self.motion, 4),
            "curves": [
                {"factor": round(factor, 6), "normal": _rounded(row, 4)}
                for factor, row in zip(self.factors, self.normal, strict=True)
            ],
        }

    def save(self, path: Path) -> None:
        """Write the document; beside first, then renamed."""
        write_json(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> SpeedinessCurve:
        """Read a document written by :meth:`save`.

        Raises:
            DataError: not a curve, or of a version this program does not know.
        """
        document = read_json(path, CURVE_SCHEMA)
        try:
            curve = cls(
                times_s=np.array(document["times_s"], np.float64),
                duration_s=float(document["duration_s"]),
                factors=tuple(float(c["factor"]) for c in document["curves"]),
                normal=np.array([c["normal"] for c in document["curves"]], np.float32),
                motion=np.array(document["motion"], np.float32),
                segments=tuple(Segment(**s) for s in document["segments"]),
                cuts_s=tuple(document["cuts_s"]),
                notes=tuple(document["notes"]),
                made_by=document["made_by"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path} is damaged ({error}); run analyse again") from error
        if curve.normal.shape != (len(curve.factors), len(curve.times_s)) or not len(curve.times_s):
            raise DataError(f"{path} is damaged (lengths differ); run analyse again")
        return curve


@dataclass(frozen=True)
class SpeedPlan:
    """S*(t): how fast to play each moment so that the film has its target length (§4.2).

    Slowness 1/S is linear between knots, so output time is its exact, monotone integral.
    """

    times_s: Floats
    """(M,) knots, ascending from 0 to the film's duration."""
    slowness: Floats
    """(M,) output seconds per source second at the knots, positive."""
    rate: float
    """The target: source duration / output duration."""
    rho: float | None = None
    """The threshold that was chosen, None when nothing moved and the plan is flat."""
    made_by: dict[str, Any] = field(default_factory=dict)

    @property
    def factor(self) -> Floats:
        """(M,) S*(t) at the knots."""
        return 1 / self.slowness

    @property
    def _output_knots_s(self) -> Floats:
        steps = np.diff(self.times_s) * (self.slowness[1:] + self.slowness[:-1]) / 2
        return np.concatenate([[0.0], np.cumsum(steps)])

    @property
    def source_duration_s(self) -> float:
        """Length of the film as it is."""
        return float(self.times_s[-1])

    @property
    def output_duration_s(self) -> float:
        """Length of the film when played by this plan."""
        return float(self._output_knots_s[-1])

    def output_time(self, source_s: Floats) -> Floats:
        """When a moment of the source is shown; clamped to the film's ends."""
        source_s = np.clip(source_s, self.times_s[0], self.times_s[-1])
        cell = np.clip(np.searchsorted(self.times_s, source_s, "right") - 1, 0, len(self.times_s) - 2)
        into = source_s - self.times_s[cell]
        slope = np.diff(self.slowness)[cell] / np.diff(self.times_s)[cell]
        return self._output_knots_s[cell] + into * (self.slowness[cell] + slope * into / 2)

    def source_time(self, output_s: Floats) -> Floats:
        """Which moment of the source is shown; inverse of :meth:`output_time`."""
        knots = self._output_knots_s
        output_s = np.clip(output_s, 0, knots[-1])
        cell = np.clip(np.searchsorted(knots, output_s, "right") - 1, 0, len(knots) - 2)
        wanted = output_s - knots[cell]
        start = self.slowness[cell]
        slope = np.diff(self.slowness)[cell] / np.diff(self.times_s)[cell]
        # Root of start * x + slope * x^2 / 2 = wanted, in the form that is stable at slope 0.
        root = np.sqrt(np.maximum(start**2 + 2 * slope * wanted, 0))
        return np.minimum(self.times_s[cell] + 2 * wanted / (start + root), self.times_s[cell + 1])

    def to_json(self) -> dict[str, Any]:
        """The document of docs/formats.md; slowness keeps all digits, so lengths stay exact."""
        return {
            "schema": PLAN_SCHEMA,
            "made_by": self.made_by,
            "rate": self.rate,
            "rho": self.rho,
            "source_duration_s": self.source_duration_s,
            "output_duration_s": self.output_duration_s,
            "times_s": self.times_s.tolist(),
            "factor": _rounded(self.factor, 6),
            "slowness": self.slowness.tolist(),
        }

    def save(self, path: Path) -> None:
        """Write the document; beside first, then renamed."""
        write_json(path, self.to_json())

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
                rho=document["rho"],
                made_by=document["made_by"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path} is damaged ({error}); plan again") from error


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write beside, then rename, so that a reader never meets half a document."""
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(json.dumps(document, allow_nan=False) + "\n")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def read_json(path: Path, schema: str) -> dict[str, Any]:
    """Read a document and check its schema.

    Raises:
        DataError: missing, not JSON, or another schema.
    """
    try:
        document = json.loads(path.read_text())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path} is not a JSON document: {error}") from error
    found = document.get("schema") if isinstance(document, dict) else None
    if found != schema:
        raise DataError(f"{path} has schema {found!r}, wanted {schema!r}; make it again")
    return document


def _rounded(values: NDArray, digits: int) -> list[float]:
    return np.round(values.astype(np.float64), digits).tolist()
