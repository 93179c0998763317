"""One shot of a video: its windows are scored as soon as their frames are there."""

# K factors, F frames, M moments, B sequences, L frames of a sequence, W windows, h w cells

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from speediness.analysis.schedule import FrameBuffer, Schedule, Sequence
from speediness.clip import ClipSpec
from speediness.engines.runtime import Floats, Pixels, Runtime

CHUNK_S = 40.0  # windows are scored whenever this much more video is at hand
FRAMES = 512  # of sequences scored in one call; an engine makes of it what suits it
PAIRS = 128  # measured in one call

CamCallback = Callable[[NDArray[np.float64], Sequence, Floats], None]
"""Given the times (L,) of the frames of a sequence just scored, itself, and its class activation maps."""


@dataclass(frozen=True)
class ShotScores:
    """What the network said of one shot, at the moments it was asked.

    Some 15 MB for an hour of video, most of it features; values for every frame would add ten.
    """

    times_s: NDArray[np.float64]
    """(F,)"""
    moments_s: tuple[NDArray[np.float64], ...]
    """By factor, (M,) ascending."""
    answers: tuple[NDArray[np.float32], ...]
    """By factor, (M, 3) log-odds of sped up, mean flow, flow of the busiest cell."""
    features: NDArray[np.float16]
    """(N, D) of the first factor, see :class:`speediness.features.MotionFeatures`."""
    features_s: NDArray[np.float64]
    """(N,) when, ascending."""

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


class ShotScorer:
    """A shot still growing; frames and pairs that no window to come can need are forgotten.

    Attributes:
        times_s: of all frames so far.
        moments_s: by factor, those scored.
        answers: by factor, arrays (n, 4) of middle, log-odds, mean and peak flow of windows scored.
        features: arrays (n, D), those in the middle of the windows of the first factor.
        scored_until_s: the last frame when windows were last scored.
        first_held: number of the first frame not forgotten.

    Args:
        runtime: the network.
        clip: what the network looks at.
        factors: at which the shot is analysed.
        schedule: which windows are scored.
        on_cam: sees the maps, which are not kept; None: nobody does.
        chunk_s: windows are scored whenever this much more video is at hand; None: CHUNK_S.
    """

    def __init__(
        self,
        runtime: Runtime,
        clip: ClipSpec,
        factors: tuple[float, ...],
        schedule: Schedule,
        on_cam: CamCallback | None = None,
        chunk_s: float | None = None,
    ) -> None:
        self._runtime, self._clip, self._factors, self._schedule = runtime, clip, factors, schedule
        self._on_cam, self._chunk_s = on_cam, chunk_s or CHUNK_S
        self.times_s: list[float] = []
        self.moments_s: list[list[float]] = [[] for _ in factors]
        self.answers: list[list[NDArray[np.float64]]] = [[] for _ in factors]
        self.features: list[NDArray[np.float16]] = []
        self.scored_until_s = -np.inf
        self.first_held = 0
        self._held: list[Pixels] = []
        self._flow_grid: dict[tuple[int, int], Floats] = {}

    def add(self, time_s: float, pixels_HWC: Pixels) -> bool:
        """Take the next frame; True when a chunk was scored."""
        self.times_s.append(time_s)
        self._held.append(_fit(pixels_HWC, self._clip.unit_px))
        if time_s - max(self.scored_until_s, self.times_s[0]) < self._chunk_s:
            return False
        self.scored_until_s = time_s
        self._score_moments(closing=False)
        self._forget()
        return True

    def hold_again(self, pixels_HWC: Pixels) -> None:
        """Take the pixels of a frame whose time is known from before an interruption."""
        self._held.append(_fit(pixels_HWC, self._clip.unit_px))

    def close(self) -> ShotScores:
        """Score the rest."""
        self._score_moments(closing=True)
        moments_s = tuple(map(np.array, self.moments_s))
        answers_W4 = [np.concatenate(windows) for windows in self.answers]
        answers = tuple(
            self._at_moments(factor, here_s, windows_W4)
            for factor, here_s, windows_W4 in zip(self._factors, moments_s, answers_W4, strict=True)
        )
        order = np.argsort(answers_W4[0][:, 0], kind="stable")
        features_s = answers_W4[0][order, 0] + self._factors[0] / float(self._clip.frame_rate) / 2
        inside_s = np.clip(features_s, self.times_s[0], self.times_s[-1])
        features = np.concatenate(self.features)[order]
        return ShotScores(np.array(self.times_s), moments_s, answers, features, inside_s)

    def state(self) -> dict[str, NDArray]:
        """All but pixels and cells, which are made again from the frames held."""
        return {
            "times_s": np.array(self.times_s),
            "first_held": np.array(self.first_held),
            "judged_until_s": np.array(self.scored_until_s),
            **packed("moments_s", [np.array(moments_s) for moments_s in self.moments_s]),
            **packed("answers", [np.concatenate([np.empty((0, 4)), *parts]) for parts in self.answers]),
            **packed("features", self.features),
        }

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Take up an earlier :meth:`state`; the frames held then must be held again."""
        self.times_s = state["times_s"].tolist()
        self.first_held = int(state["first_held"])
        self.scored_until_s = float(state["judged_until_s"])
        self.moments_s = [part.tolist() for part in unpacked("moments_s", state)]
        self.answers = [[part] for part in unpacked("answers", state)]
        self.features = unpacked("features", state)

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

    def _buffered(self, closed: bool) -> FrameBuffer:
        return FrameBuffer(
            self.times_s[0], np.array(self.times_s[self.first_held :]), self.first_held, closed
        )

    def _score_moments(self, closing: bool) -> None:
        """Score the moments that no frame to come can change; when closing, all up to the end."""
        buffer = self._buffered(closing)
        alike: dict[int, list[tuple[int, Sequence]]] = defaultdict(list)
        for k, factor in enumerate(self._factors):
            moments_s, sequences = self._schedule.due(self._clip, factor, len(self.moments_s[k]), buffer)
            self.moments_s[k] += moments_s
            for sequence in sequences:
                alike[len(sequence.frames_L)].append((k, sequence))
        for length, wanted in alike.items():
            size = max(1, FRAMES // length)
            for i in range(0, len(wanted), size):
                self._score_sequences(wanted[i : i + size])

    def _score_sequences(self, batch: list[tuple[int, Sequence]]) -> None:
        """Score sequences of the same length, each with the number of its factor."""
        factors_B, sequences = zip(*batch, strict=True)
        self._measure(sequences)
        flow_grid = np.stack([self._cells_of(sequence) for sequence in sequences])
        clips = None
        if self._runtime.uses_frames:
            clips = np.stack(
                [np.stack([self._frame(n) for n in sequence.frames_L]) for sequence in sequences]
            )
        intervals = np.stack([sequence.intervals for sequence in sequences])
        answers = self._runtime.windows(clips, flow_grid, intervals)
        if self._on_cam is not None:
            times_s = np.array(self.times_s)
            for sequence, cam in zip(sequences, answers.cam, strict=True):
                self._on_cam(times_s[sequence.frames_L], sequence, cam)
        log_odds_BW1 = (answers.logits[..., 1] - answers.logits[..., 0])[..., None]
        answers_BW3 = np.concatenate([log_odds_BW1, answers.flow], -1).astype(np.float64)
        for k, sequence, answers_W3, features_LD in zip(
            factors_B, sequences, answers_BW3, answers.features, strict=True
        ):
            n_windows = len(sequence.middles_s)
            answers_W3 = answers_W3[sequence.lead : sequence.lead + n_windows]
            self.answers[k].append(np.column_stack([sequence.middles_s, answers_W3]))
            if k == 0:
                middle = sequence.lead + self._clip.n_frames // 2
                self.features.append(features_LD[middle : middle + n_windows].astype(np.float16))

    def _measure(self, sequences: Iterable[Sequence]) -> None:
        """Measure the pairs not known yet, forwards."""
        pairs = {(min(p), max(p)) for sequence in sequences for p in pairwise(sequence.frames_L.tolist())}
        unknown = sorted(pairs - self._flow_grid.keys())
        for i in range(0, len(unknown), PAIRS):
            part = unknown[i : i + PAIRS]
            before = np.stack([self._frame(first) for first, _ in part])
            after = np.stack([self._frame(second) for _, second in part])
            self._flow_grid.update(zip(part, self._runtime.motion(before, after), strict=True))

    def _cells_of(self, sequence: Sequence) -> Floats:
        """(L - 1, .., h, w) of each pair."""
        flow_grid = [
            self._flow_grid[a, b] if a <= b else backwards(self._flow_grid[b, a])
            for a, b in pairwise(sequence.frames_L.tolist())
        ]
        return np.stack(flow_grid)

    def _frame(self, number: int) -> Pixels:
        return self._held[number - self.first_held]

    def _forget(self) -> None:
        """Drop what no window to come can need, reflections at the end included."""
        buffer = self._buffered(closed=False)
        needed_s = min(
            self._schedule.needed_s(self._clip, factor, len(moments_s), buffer)
            for factor, moments_s in zip(self._factors, self.moments_s, strict=True)
        )
        dropped = max(int(np.searchsorted(buffer.times_s, needed_s, "right")) - 1, 0)
        del self._held[:dropped]
        self.first_held += dropped
        self._flow_grid = {
            pair: flow_grid for pair, flow_grid in self._flow_grid.items() if min(pair) >= self.first_held
        }


def backwards(flow_grid_Chw: Floats) -> Floats:
    """What is played backwards moves the other way, no more and no less surely."""
    turned = flow_grid_Chw.copy()
    turned.reshape(-1, 4, *flow_grid_Chw.shape[1:])[:, :2] *= -1
    return turned


def packed(name: str, parts: list[NDArray]) -> dict[str, NDArray]:
    """Arrays of unlike lengths as one, and where it is to be cut."""
    if not parts:
        return {}
    return {name: np.concatenate(parts), f"{name}.ends": np.cumsum([len(part) for part in parts])}


def unpacked(name: str, state: Mapping[str, NDArray]) -> list[NDArray]:
    """The parts that :func:`packed` was given."""
    return np.split(state[name], state[f"{name}.ends"][:-1]) if name in state else []


def _fit(pixels_HWC: Pixels, unit_px: int) -> Pixels:
    """The middle of the frame, its sides cut to multiples of what the network can look at.

    Paper (§5.1): a square centre crop. Here: as much of the longer side as fits, because what
    moves is not always in the middle.
    """
    height, width = (side // unit_px * unit_px for side in pixels_HWC.shape[:2])
    top, left = (pixels_HWC.shape[0] - height) // 2, (pixels_HWC.shape[1] - width) // 2
    return pixels_HWC[top : top + height, left : left + width]
