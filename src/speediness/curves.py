"""The values between analysis and rendering, each a versioned JSON document (docs/formats.md)."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from speediness.errors import DataError, OutputError

Label = Literal["natural", "sped_up", "slow_motion"]
Floats = NDArray[np.float64]

CURVE_SCHEMA = "speediness.curve/1"
PLAN_SCHEMA = "speediness.plan/1"
THRESHOLDS = tuple(i / 10 for i in range(1, 10))  # SpeedNet §4.2: rho in 0.1 .. 0.9

# Mean flow of a still picture under camera noise and H.264 stays below this (measured: 0.08 at most).
STILL_MOTION_PX = 0.1


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

    def __post_init__(self) -> None:
        """Refuse what no film can hold."""
        if self.label not in get_args(Label):
            raise ValueError(f"unknown label {self.label!r}")
        if not 0 <= self.start_s < self.end_s < np.inf:
            raise ValueError(f"a segment from {self.start_s} to {self.end_s} s has no length")
        if not (0 < self.factor < np.inf and 0 <= self.confidence <= 1):
            raise ValueError("a segment needs a positive factor and a confidence in 0..1")


@dataclass(frozen=True, eq=False)
class SpeedinessCurve:
    """What the network saw: for every frame, how natural the film looks at each factor (§4.1).

    Times are seconds from the first frame; F frames, K factors. Probabilities and motion are
    rounded to four digits on creation, as in the file, so that planning from a file gives the
    very film that planning right away gives.

    Raises:
        ValueError: shapes that do not fit, times that do not ascend, values out of range.
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

    def __post_init__(self) -> None:
        """Round as the file does; refuse shapes and values that do not fit."""
        object.__setattr__(self, "normal", np.round(np.asarray(self.normal, np.float32), 4))
        object.__setattr__(self, "motion", np.round(np.asarray(self.motion, np.float32), 4))
        if self.times_s.ndim != 1 or not len(self.times_s) or not len(self.factors):
            raise ValueError("a curve needs at least one frame and one factor")
        if self.normal.shape != (len(self.factors), len(self.times_s)):
            raise ValueError(f"{self.normal.shape} probabilities for {len(self.factors)} factors")
        if self.motion.shape != self.times_s.shape:
            raise ValueError(f"{self.motion.shape} motion values for {len(self.times_s)} frames")
        if self.times_s[0] != 0 or not _ascends(np.append(self.times_s, self.duration_s)):
            raise ValueError("times do not ascend from 0 to the duration")
        if self.factors[0] != 1 or not _ascends(self.factors):
            raise ValueError("factors do not ascend from 1")
        if not (np.all(self.normal >= 0) and np.all(self.normal <= 1)):
            raise ValueError("probabilities outside 0..1")
        if not (np.all(self.motion >= 0) and np.all(np.isfinite(self.motion))):
            raise ValueError("motion is negative or not a number")
        if not _ascends([0, *self.cuts_s, self.duration_s]):
            raise ValueError("cuts do not ascend within the film")

    @property
    def sped_up(self) -> NDArray[np.float32]:
        """(F,) 1 - P_v0(t), the speediness score of §5.1.1."""
        return 1 - self.normal[0]

    @property
    def frame_lengths_s(self) -> Floats:
        """(F,) how long each frame is on screen."""
        return np.diff(self.times_s, append=self.duration_s)

    @property
    def is_still(self) -> bool:
        """Whether nothing moves anywhere, so that there is no motion to judge.

        The mean alone cannot tell noise from something small that moves; where something does, the
        network objects to it at some factor.
        """
        return bool(self.motion.max() < STILL_MOTION_PX and self.normal.min() >= 0.5)

    def limit(self, rho: float = 0.5) -> Floats:
        """V(t) (F,): the fastest factor still judged natural at threshold rho (§4.1).

        Where not even the film as it is passes, V is 1: nothing faster was judged natural.
        """
        limit = np.ones(len(self.times_s))
        for factor, normal in zip(self.factors, self.normal, strict=True):  # ascending: the last wins
            limit[normal >= rho] = factor
        return limit

    def to_json(self) -> dict[str, Any]:
        """The document of docs/formats.md."""
        return {
            "schema": CURVE_SCHEMA,
            "made_by": self.made_by,
            "duration_s": self.duration_s,
            "notes": list(self.notes),
            "cuts_s": list(self.cuts_s),
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
            "times_s": self.times_s.tolist(),
            "sped_up": _rounded(self.sped_up, 4),
            "limit": _rounded(self.limit(), 6),
            "motion": _rounded(self.motion, 4),
            "curves": [
                {"factor": factor, "normal": _rounded(row, 4)}
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
            return cls(
                times_s=np.array(document["times_s"], np.float64),
                duration_s=float(document["duration_s"]),
                factors=tuple(float(c["factor"]) for c in document["curves"]),
                normal=np.array([c["normal"] for c in document["curves"]], np.float32),
                motion=np.array(document["motion"], np.float32),
                segments=tuple(_segment(s) for s in document["segments"]),
                cuts_s=tuple(float(cut) for cut in document["cuts_s"]),
                notes=tuple(str(note) for note in document["notes"]),
                made_by=dict(document["made_by"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path} is damaged ({error}); run analyse again") from error


@dataclass(frozen=True, eq=False)
class SpeedPlan:
    """S*(t): how fast to play each moment so that the film has its target length (§4.2).

    Slowness 1/S is linear between M knots, so output time is its exact, monotone integral.

    Raises:
        ValueError: shapes that do not fit, knots that do not ascend from 0, slowness not positive.
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
    """Curve, settings and version that made this."""

    def __post_init__(self) -> None:
        """Refuse what is no monotone map of time."""
        if self.times_s.ndim != 1 or self.times_s.shape != self.slowness.shape or len(self.times_s) < 2:
            raise ValueError("a plan needs two knots or more and one slowness for each")
        if self.times_s[0] != 0 or not _ascends(self.times_s):
            raise ValueError("knots do not ascend from 0")
        if not (np.all(self.slowness > 0) and np.all(np.isfinite(self.slowness))):
            raise ValueError("slowness is not positive")
        if not 0 < self.rate < np.inf or not (self.rho is None or 0 <= self.rho <= 1):
            raise ValueError(f"rate {self.rate} or threshold {self.rho} out of range")

    @property
    def factor(self) -> Floats:
        """(M,) S*(t) at the knots."""
        return 1 / self.slowness

    @cached_property
    def _output_knots_s(self) -> Floats:
        """(M,) when each knot is shown; kept, because the renderer asks once per piece of film."""
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
        source_s = np.clip(source_s, 0, self.times_s[-1])
        cell, slope = self._cells(self.times_s, source_s)
        into = source_s - self.times_s[cell]
        return self._output_knots_s[cell] + into * (self.slowness[cell] + slope * into / 2)

    def source_time(self, output_s: Floats) -> Floats:
        """Which moment of the source is shown; inverse of :meth:`output_time`."""
        output_s = np.clip(output_s, 0, self._output_knots_s[-1])
        cell, slope = self._cells(self._output_knots_s, output_s)
        wanted = output_s - self._output_knots_s[cell]
        start = self.slowness[cell]
        # Root of start * x + slope * x^2 / 2 = wanted, in the form that is stable at slope 0.
        root = np.sqrt(np.maximum(start**2 + 2 * slope * wanted, 0))
        return np.minimum(self.times_s[cell] + 2 * wanted / (start + root), self.times_s[cell + 1])

    def _cells(self, knots_s: Floats, moments_s: Floats) -> tuple[NDArray[np.intp], Floats]:
        """The knot before each moment, and how slowness changes per source second after it."""
        cell = np.clip(np.searchsorted(knots_s, moments_s, "right") - 1, 0, len(knots_s) - 2)
        rise = self.slowness[cell + 1] - self.slowness[cell]
        return cell, rise / (self.times_s[cell + 1] - self.times_s[cell])

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
                rho=None if document["rho"] is None else float(document["rho"]),
                made_by=dict(document["made_by"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path} is damaged ({error}); plan again") from error


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write beside, then rename, so that a reader never meets half a document.

    Raises:
        OutputError: the folder is missing, not writable or full.
        ValueError: the document holds NaN or infinity, which JSON has no words for.
    """
    text = json.dumps(document, allow_nan=False) + "\n"
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}; write elsewhere") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def read_json(path: Path, schema: str) -> dict[str, Any]:
    """Read a document and check its schema.

    Raises:
        DataError: missing, not JSON, or another schema.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; check the name") from error
    except ValueError as error:
        raise DataError(f"{path} is not a JSON document ({error}); make it again") from error
    found = document.get("schema") if isinstance(document, dict) else None
    if found != schema:
        raise DataError(f"{path} has schema {found!r}, wanted {schema!r}; make it again")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _segment(document: dict[str, Any]) -> Segment:
    """Known fields only, so that a later 1.x file with more of them can still be read."""
    return Segment(
        start_s=float(document["start_s"]),
        end_s=float(document["end_s"]),
        label=document["label"],
        factor=float(document["factor"]),
        confidence=float(document["confidence"]),
    )


def _ascends(values: ArrayLike) -> bool:
    """Strictly, and every value finite."""
    values = np.asarray(values, np.float64)
    return bool(np.all(np.isfinite(values)) and np.all(np.diff(values) > 0))


def _rounded(values: NDArray, digits: int) -> list[float]:
    return np.round(values.astype(np.float64), digits).tolist()
