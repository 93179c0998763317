"""What an audit found: rows of measured numbers beside what is tolerated.

P is the probability of sped up. An answer that is not a number counts as P = 1, the worst there is.
"""

# W windows of all videos, at 1x and at 2x

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speediness.evaluation.audit.video_changes import Change, Order
from speediness.evaluation.speed_accuracy import VideoScores, matched_pairs, pairs_ranked

SCHEMA = "speediness.audit/1"

# Tolerances are meant for a network that tells 2x from 1x by this much in P, so that what is allowed
# an artefact is a quarter (unseen) or half (seen) of what speed does; they shrink with a weaker one.
FULL_EFFECT = 0.2
# A move of P that is tolerated carries, in either direction, half of the windows across that lie
# within it of 0.5; and one window in twenty may always change side.
SHARE_CARRIED, ALWAYS_FLIPPED = 0.5, 0.05
LEAST_KEPT = 0.9  # one video in ten may lose its order
MOST_ALARM = 0.1  # a step of the paper's rho (SpeedNet §4.2) above a coin's toss: not yet confident
# Share of the effect of playing twice as fast. Mean flow would score 1, since the zoom makes the
# displacements of 1x those of 2x; a network that knows no displacements 0.
MOST_ZOOM_EFFECT = 0.5
LEAST_MATCHED = 0.75  # half-way between a coin and always

MOVE = "mean move of P"
FLIPPED = "windows that change side"
KEPT = "2x still above 1x"
MATCHED = "2x above 1x magnified"
HIGHEST = "highest P"
RISE = "largest rise of P"


@dataclass(frozen=True)
class Measure:
    """One number beside what is tolerated."""

    name: str
    value: float
    limit: float
    at_least: bool = False
    """The limit is a floor, else a ceiling."""

    @property
    def passed(self) -> bool:
        """Within the limit."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def write(self, number: float) -> str:
        """A value or limit of this measure for people: P as it is, shares in per cent."""
        return f"{number:.3f}" if self.name in (MOVE, HIGHEST, RISE) else f"{number:.0%}"


@dataclass(frozen=True)
class Row:
    """What became of one change."""

    name: str
    why: str
    """Why the answers must not depend on it."""
    videos: int
    measures: tuple[Measure, ...] = ()
    not_applicable: str = ""
    """The reason why nothing was measured."""

    @property
    def passed(self) -> bool | None:
        """None where nothing was measured."""
        return all(measure.passed for measure in self.measures) if self.measures else None


@dataclass(frozen=True)
class Audit:
    """All rows, and the answers for the unchanged videos they are compared with."""

    network: str
    network_sha256: str
    videos: tuple[str, ...]
    unreadable: dict[str, str]
    """Videos that could not be used, with the reason; none was replaced by another."""
    windows: int
    speed_effect: float
    """Mean P at 2x minus mean P at 1x: what playing twice as fast does."""
    pairs_ranked: float
    """Share of videos whose mean score at 2x is above that at 1x."""
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """Whether no row failed."""
        return all(row.passed is not False for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """The document of docs/formats.md."""
        return {
            "schema": SCHEMA,
            **{"films" if name == "videos" else name: value for name, value in asdict(self).items()},
            "passed": self.passed,
            "rows": [
                {
                    **asdict(row),
                    "passed": row.passed,
                    "measures": [{**asdict(m), "passed": m.passed} for m in row.measures],
                }
                for row in self.rows
            ],
        }


def speed_effect(originals: Sequence[VideoScores]) -> float:
    """Mean P at 2x minus mean P at 1x, every window alike."""
    return _mean(originals, lambda video: video.score_2x) - _mean(originals, lambda video: video.score_1x)


def zoom_row(originals: Sequence[VideoScores]) -> Row:
    """Is a longer lens taken for speed (SpeedNet Fig. 2)?"""
    magnified = _mean(originals, lambda video: video.score_magnified)
    move = magnified - _mean(originals, lambda video: video.score_1x)
    return Row(
        "zoomed in by 2",
        "speediness is not the magnitude of motion",
        len(originals),
        (
            Measure(MOVE, abs(move), MOST_ZOOM_EFFECT * max(speed_effect(originals), 0.0)),
            Measure(MATCHED, matched_pairs(originals), LEAST_MATCHED, at_least=True),
        ),
    )


def change_row(change: Change, pairs: Sequence[tuple[VideoScores, VideoScores]], effect: float) -> Row:
    """Measure one change, beside the effect of playing twice as fast (:func:`speed_effect`).

    ``pairs`` are, for each video, the answers for the reference and for the changed video; none if an
    encoder is missing.
    """
    if not pairs:
        reason = f"this FFmpeg has no {change.missing_encoder}"
        return Row(change.name, change.why, 0, not_applicable=reason)
    before_W = np.concatenate([_both(before, change.order) for before, _ in pairs])
    after_W = np.concatenate([_both(after) for _, after in pairs])
    if change.expects == "same answers":
        tolerance = change.tolerance * min(1.0, max(effect, 0.0) / FULL_EFFECT)
        measures = _same_answers(before_W, after_W, tolerance, pairs)
    elif change.expects == "no faster":
        rise_W = after_W - np.maximum(before_W, 0.5)
        measures = (Measure(RISE, max(float(rise_W.max()), 0.0), MOST_ALARM),)
    else:
        measures = (Measure(HIGHEST, float(after_W.max()), 0.5 + MOST_ALARM),)
    return Row(change.name, change.why, len(pairs), measures)


def _same_answers(
    before_W: NDArray[np.float64],
    after_W: NDArray[np.float64],
    tolerance: float,
    pairs: Sequence[tuple[VideoScores, VideoScores]],
) -> tuple[Measure, ...]:
    flipped = float(np.mean((before_W > 0.5) != (after_W > 0.5)))
    undecided = float(np.mean(np.abs(before_W - 0.5) <= tolerance))
    kept = [after for before, after in pairs if pairs_ranked([before])]
    return (
        Measure(MOVE, float(np.abs(after_W - before_W).mean()), tolerance),
        Measure(FLIPPED, flipped, max(SHARE_CARRIED * undecided, ALWAYS_FLIPPED)),
        # A network that ranks no video right has nothing to keep, and passes nothing.
        Measure(KEPT, pairs_ranked(kept) if kept else 0.0, LEAST_KEPT, at_least=True),
    )


def _both(video: VideoScores, order: Order = "forwards") -> NDArray[np.float64]:
    """P of every window, those at 1x before those at 2x."""
    there = np.arange(len(video.score_1x))
    back = there[::-1]
    shown = {"forwards": there, "backwards": back, "there and back": np.minimum(there, back)}[order]
    return _probability(np.concatenate([video.score_1x[shown], video.score_2x[shown]]))


def _mean(videos: Sequence[VideoScores], score: Callable[[VideoScores], NDArray[np.float32]]) -> float:
    return float(_probability(np.concatenate([score(video) for video in videos])).mean())


def _probability(score: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.nan_to_num(1 / (1 + np.exp(-score.astype(np.float64))), nan=1.0)
