"""What the network saw of a video, a versioned JSON document (docs/formats.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from speediness.errors import DataError
from speediness.results.documents import read_json, rounded, write_json
from speediness.results.labels import LABELS as LABELS
from speediness.results.labels import Label as Label

Float64s = NDArray[np.float64]

CURVE_SCHEMA = "speediness.curve/1"

# Mean flow of a still frame under camera noise and H.264 stays below this (measured: 0.08 at most).
STILL_MOTION_PX = 0.1


@dataclass(frozen=True)
class Segment:
    """A stretch of video that plays at one speed."""

    start_s: float
    end_s: float
    label: Label
    factor: float
    """Estimated playback factor: 0.5 half-speed slow motion, 1 natural, 2 twice as fast; the best guess
    where the label is ``not_sure``."""
    confidence: float
    """0..1, the probability the model gives to this label over the stretch; to the likeliest of the others
    where the label is ``not_sure``."""

    def __post_init__(self) -> None:
        """Refuse what no video can hold."""
        if self.label not in LABELS:
            raise ValueError(f"unknown label {self.label!r}")
        if not 0 <= self.start_s < self.end_s < np.inf:
            raise ValueError(f"a segment from {self.start_s} to {self.end_s} s has no length")
        if not (0 < self.factor < np.inf and 0 <= self.confidence <= 1):
            raise ValueError("a segment needs a positive factor and a confidence in 0..1")


@dataclass(frozen=True, eq=False)
class SpeedinessCurve:
    """What the network saw: for every frame, how natural the video looks at each factor (§4.1).

    Times are seconds from the first frame; F frames, K factors. Probabilities and motion are
    rounded to four digits on creation, as in the file, so that planning from a file gives the
    very video that planning right away gives.

    Raises:
        ValueError: shapes that do not fit, times that do not ascend, values out of range.
    """

    times_s: Float64s
    """(F,) presentation time of every frame; the first is 0."""
    duration_s: float
    """End of the last frame."""
    factors: tuple[float, ...]
    """X^i, ascending from 1."""
    normal: NDArray[np.float32]
    """(K, F) P_vi(t): probability that the video played at factor i looks natural, 0..1."""
    motion: NDArray[np.float32]
    """(F,) mean motion in pixels per bin of the network at factor 1, at short side 64."""
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
            raise ValueError("cuts do not ascend within the video")

    @property
    def sped_up(self) -> NDArray[np.float32]:
        """(F,) 1 - P_v0(t), the speediness score of §5.1.1."""
        return 1 - self.normal[0]

    @property
    def frame_lengths_s(self) -> Float64s:
        """(F,) how long each frame is on screen."""
        return np.diff(self.times_s, append=self.duration_s)

    @property
    def is_still(self) -> bool:
        """Whether nothing moves anywhere, so that there is no motion to score.

        The mean alone cannot tell noise from something small that moves; where something does, the
        network objects to it at some factor.
        """
        return bool(self.motion.max() < STILL_MOTION_PX and self.normal.min() >= 0.5)

    def limit(self, rho: float = 0.5) -> Float64s:
        """V(t) (F,): the factor up to which all are scored as natural at threshold rho (§4.1).

        Where not even the video as it is passes, V is 1. The paper takes the largest that passes; near the
        ends of a shot windows at high factors reach back into what came before, and pass alone.
        """
        limit, natural = np.ones(len(self.times_s)), np.ones(len(self.times_s), bool)
        for factor, normal in zip(self.factors, self.normal, strict=True):
            natural &= normal >= rho
            limit[natural] = factor
        return limit

    def speediness(self, rho: float = 0.5) -> Float64s:
        """1 - V^(t) (F,), 0..1, the speediness curve of Fig. 5: V^ is V brought to that range (§4.2).

        1 where nothing faster looks natural. Where V is the same everywhere, V^ is 0.
        """
        limit = self.limit(rho)
        low, high = limit.min(), limit.max()
        return 1 - (limit - low) / (high - low) if high > low else np.ones_like(limit)

    def outline(self) -> dict[str, Any]:
        """The document of docs/formats.md without what it says of every frame."""
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
        }

    def save(self, path: Path) -> None:
        """Write the document of docs/formats.md; beside first, then renamed.

        Raises:
            OutputError: the folder is missing, not writable or full.
        """
        per_frame = {
            "times_s": self.times_s,
            "sped_up": rounded(self.sped_up, 4),
            "limit": rounded(self.limit(), 6),
            "motion": rounded(self.motion, 4),
            "curves": self._curves(),
        }
        write_json(path, self.outline() | per_frame)

    def _curves(self) -> Iterator[dict[str, Any]]:
        for factor, row in zip(self.factors, self.normal, strict=True):
            yield {"factor": factor, "normal": rounded(row, 4)}

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
