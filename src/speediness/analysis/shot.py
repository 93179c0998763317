"""One shot of a film: its windows are judged as soon as their frames are there."""

# K factors, F frames, T frames of a window, S = T - 1 pairs, B windows, P pairs, h w cells

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from speediness import sampling
from speediness.analysis.schedule import Schedule
from speediness.clip import ClipSpec
from speediness.engines.judge import Floats, Judge, Pixels

CHUNK_S = 8.0  # windows are judged whenever this much more film is at hand
WINDOWS = 32  # judged in one call; an engine makes of it what suits it
PAIRS = 128  # measured in one call

Watch = Callable[[NDArray[np.float64], Floats], None]
"""Given the times (B, T) of the frames of windows just judged, and their class activation maps."""


@dataclass(frozen=True)
class Shot:
    """What the network said of one shot, at the moments it was asked.

    A megabyte for an hour of film; a value for every frame would take ten.
    """

    times_s: NDArray[np.float64]
    """(F,)"""
    moments_s: tuple[NDArray[np.float64], ...]
    """By factor, (M,) ascending."""
    answers: tuple[NDArray[np.float32], ...]
    """By factor, (M, 3) log-odds of sped up, mean flow, flow of the busiest cell."""

    @property
    def log_odds(self) -> NDArray[np.float32]:
        """(K, F) of sped up."""
        return self._per_frame(0)

    @property
    def motion(self) -> NDArray[np.float32]:
        """(F,) mean flow at factor 1."""
        return np.interp(self.times_s, self.moments_s[0], self.answers[0][:, 1]).astype(np.float32)

    @property
    def peak_motion(self) -> NDArray[np.float32]:
        """(K, F) flow of the busiest cell."""
        return self._per_frame(2)

    def _per_frame(self, column: int) -> NDArray[np.float32]:
        """(K, F) lines between the moments."""
        rows = np.empty((len(self.moments_s), len(self.times_s)), np.float32)
        for row, moments_s, answers in zip(rows, self.moments_s, self.answers, strict=True):
            row[:] = np.interp(self.times_s, moments_s, answers[:, column])
        return rows


@dataclass(frozen=True)
class _Window:
    """Frames of a window by their number in the shot, and how far apart they are."""

    k: int
    middle_s: float
    frames_T: NDArray[np.int64]
    intervals_S: NDArray[np.float32]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        return list(pairwise(self.frames_T.tolist()))


class OpenShot:
    """A shot still growing; frames and pairs that no window to come can need are forgotten.

    Attributes:
        times_s: of all frames so far.
        moments_s: by factor, those judged.
        answers: by factor, arrays (n, 4) of middle, log-odds, mean and peak flow of windows judged.
        judged_until_s: windows that end before this are judged.
        first_held: number of the first frame not forgotten.

    Args:
        judge: the network.
        clip: what the network looks at.
        factors: at which the shot is watched.
        schedule: which windows are judged.
        watch: sees the maps, which are not kept; None: nobody does.
    """

    def __init__(
        self,
        judge: Judge,
        clip: ClipSpec,
        factors: tuple[float, ...],
        schedule: Schedule,
        watch: Watch | None = None,
    ) -> None:
        self._judge, self._clip, self._factors, self._schedule = judge, clip, factors, schedule
        self._watch = watch
        self.times_s: list[float] = []
        self.moments_s: list[list[float]] = [[] for _ in factors]
        self.answers: list[list[NDArray[np.float64]]] = [[] for _ in factors]
        self.judged_until_s = -np.inf
        self.first_held = 0
        self._held: list[Pixels] = []
        self._cells: dict[tuple[int, int], Floats] = {}

    def add(self, time_s: float, pixels_HWC: Pixels) -> bool:
        """Take the next frame; True when a chunk was judged."""
        self.times_s.append(time_s)
        self._held.append(_fit(pixels_HWC))
        if time_s - max(self.judged_until_s, self.times_s[0]) < CHUNK_S:
            return False
        self.judged_until_s = time_s
        self._judge_moments(closing=False)
        self._forget()
        return True

    def hold_again(self, pixels_HWC: Pixels) -> None:
        """Take the pixels of a frame whose time is known from before an interruption."""
        self._held.append(_fit(pixels_HWC))

    def close(self) -> Shot:
        """Judge the rest."""
        self._judge_moments(closing=True)
        moments_s = tuple(map(np.array, self.moments_s))
        answers = tuple(
            self._at_moments(factor, here_s, np.concatenate(windows))
            for factor, here_s, windows in zip(self._factors, moments_s, self.answers, strict=True)
        )
        return Shot(np.array(self.times_s), moments_s, answers)

    def state(self) -> dict[str, NDArray]:
        """All but pixels and cells, which are made again from the frames held."""
        return {
            "times_s": np.array(self.times_s),
            "first_held": np.array(self.first_held),
            "judged_until_s": np.array(self.judged_until_s),
            **packed("moments_s", [np.array(moments_s) for moments_s in self.moments_s]),
            **packed("answers", [np.concatenate([np.empty((0, 4)), *parts]) for parts in self.answers]),
        }

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Take up an earlier :meth:`state`; the frames held then must be held again."""
        self.times_s = state["times_s"].tolist()
        self.first_held = int(state["first_held"])
        self.judged_until_s = float(state["judged_until_s"])
        self.moments_s = [part.tolist() for part in unpacked("moments_s", state)]
        self.answers = [[part] for part in unpacked("answers", state)]

    def _at_moments(
        self, factor: float, moments_s: NDArray[np.float64], answers_W4: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """(M, 3) means over grid positions of log-odds, mean and peak flow."""
        answers_W4 = answers_W4[np.argsort(answers_W4[:, 0], kind="stable")]
        half_s = factor / float(self._clip.frame_rate) / 2 + 1e-6
        first = np.searchsorted(answers_W4[:, 0], moments_s - half_s)
        end = np.searchsorted(answers_W4[:, 0], moments_s + half_s)
        sums_W3 = np.concatenate([np.zeros((1, 3)), np.cumsum(answers_W4[:, 1:], 0)])
        return ((sums_W3[end] - sums_W3[first]) / (end - first)[:, None]).astype(np.float32)

    def _half_s(self, factor: float) -> float:
        return self._clip.duration_s * factor / 2

    def _next_moment_s(self, k: int, held_s: NDArray[np.float64]) -> float | None:
        """The first moment not judged; None: it lies after the last frame."""
        n, factor, stride = len(self.moments_s[k]), self._factors[k], self._schedule.stride
        if stride is not None:
            moment_s = self.times_s[0] + n * stride * factor / float(self._clip.frame_rate)
            return None if moment_s > held_s[-1] else moment_s
        whole, part = divmod(n * factor - self.first_held, 1)
        around_s = held_s[int(whole) : int(whole) + 2]
        if not len(around_s) or (part and len(around_s) < 2):
            return None
        return float(around_s[0] + part * (around_s[-1] - around_s[0]))

    def _held_s(self) -> NDArray[np.float64]:
        """Times of the frames not forgotten."""
        return np.array(self.times_s[self.first_held :])

    def _judge_moments(self, closing: bool) -> None:
        """Judge the moments whose windows end by now; when closing, all up to the end."""
        held_s, end_s = self._held_s(), self.times_s[-1]
        wanted: list[_Window] = []
        for k, factor in enumerate(self._factors):
            # All windows of a moment end by then, the one on the last grid position included.
            reach_s = self._half_s(factor) + factor / float(self._clip.frame_rate) / 2
            limit_s = end_s if closing else end_s - reach_s
            while (moment_s := self._next_moment_s(k, held_s)) is not None and moment_s <= limit_s:
                self.moments_s[k].append(moment_s)
                wanted += self._windows(k, moment_s, held_s)
            if closing and (not self.moments_s[k] or self.moments_s[k][-1] < end_s):
                self.moments_s[k].append(end_s)
                wanted += self._windows(k, end_s, held_s)
        for i in range(0, len(wanted), WINDOWS):
            self._judge_windows(wanted[i : i + WINDOWS])

    def _windows(self, k: int, moment_s: float, held_s: NDArray[np.float64]) -> list[_Window]:
        """The windows of a moment; at the edge of the shot they are filled by playing back and forth."""
        factor, clip = self._factors[k], self._clip
        windows = []
        for middle_s in self._schedule.middles_s(moment_s, factor, clip):
            window_s = sampling.window_around(middle_s, factor, clip.n_frames, clip.frame_rate)
            folded_s = sampling.reflect(window_s, self.times_s[0], self.times_s[-1])
            indices = sampling.nearest_frames(held_s, folded_s)
            intervals = sampling.played_intervals(held_s, indices, factor, clip.frame_rate)
            windows.append(_Window(k, float(middle_s), self.first_held + indices, intervals))
        return windows

    def _judge_windows(self, windows: list[_Window]) -> None:
        self._measure({pair for window in windows for pair in window.pairs} - self._cells.keys())
        cells = np.stack([np.stack([self._cells[pair] for pair in window.pairs]) for window in windows])
        clips = None
        if self._judge.sees_pictures:
            clips = np.stack([np.stack([self._frame(n) for n in window.frames_T]) for window in windows])
        intervals = np.stack([window.intervals_S for window in windows])
        logits_B2, flow_B2, maps = self._judge.windows(clips, cells, intervals)
        if self._watch is not None:
            self._watch(np.array(self.times_s)[np.stack([window.frames_T for window in windows])], maps)
        middles_B = np.array([window.middle_s for window in windows])
        log_odds_B = logits_B2[:, 1] - logits_B2[:, 0]
        answers_B4 = np.column_stack([middles_B, log_odds_B, flow_B2]).astype(np.float64)
        for k in {window.k for window in windows}:
            self.answers[k].append(answers_B4[[window.k == k for window in windows]])

    def _measure(self, unknown: set[tuple[int, int]]) -> None:
        pairs = sorted(unknown)
        for i in range(0, len(pairs), PAIRS):
            part = pairs[i : i + PAIRS]
            before = np.stack([self._frame(first) for first, _ in part])
            after = np.stack([self._frame(second) for _, second in part])
            self._cells.update(zip(part, self._judge.motion(before, after), strict=True))

    def _frame(self, number: int) -> Pixels:
        return self._held[number - self.first_held]

    def _forget(self) -> None:
        """Drop what no window to come can need, reflections at the end included."""
        held_s, needed_s = self._held_s(), np.inf
        for k, factor in enumerate(self._factors):
            next_s = self._next_moment_s(k, held_s)
            # A window that meets the end of the shot is folded back over at most its own length.
            reach_s = 2 * self._half_s(factor) + factor / float(self._clip.frame_rate)
            needed_s = min(needed_s, (self.times_s[-1] if next_s is None else next_s) - reach_s)
        dropped = max(int(np.searchsorted(held_s, needed_s, "right")) - 1, 0)
        del self._held[:dropped]
        self.first_held += dropped
        self._cells = {pair: cells for pair, cells in self._cells.items() if min(pair) >= self.first_held}


def packed(name: str, parts: Sequence[NDArray]) -> dict[str, NDArray]:
    """Arrays of unlike lengths as one, and where it is to be cut."""
    if not parts:
        return {}
    return {name: np.concatenate(parts), f"{name}.ends": np.cumsum([len(part) for part in parts])}


def unpacked(name: str, state: Mapping[str, NDArray]) -> list[NDArray]:
    """The parts that :func:`packed` was given."""
    return np.split(state[name], state[f"{name}.ends"][:-1]) if name in state else []


def _fit(pixels_HWC: Pixels) -> Pixels:
    """The middle of the picture, cut to the multiples of 32 that the network can look at.

    Paper (§5.1): a square centre crop. Here: as much of the longer side as fits, because what
    moves is not always in the middle.
    """
    height, width = pixels_HWC.shape[0] // 32 * 32, pixels_HWC.shape[1] // 32 * 32
    top, left = (pixels_HWC.shape[0] - height) // 2, (pixels_HWC.shape[1] - width) // 2
    return pixels_HWC[top : top + height, left : left + width]
