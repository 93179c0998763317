"""The network over a whole film at every playback factor, shot by shot, in bounded memory (§4.1)."""

# K factors, F frames, T frames of a window, S = T - 1 intervals, B windows judged together

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speediness import sampling
from speediness.analysis.network import Judge
from speediness.analysis.shots import CutDetector
from speediness.clip import ClipSpec
from speediness.video.reader import Frame

WINDOWS_PER_LENGTH = 4  # windows of a factor lie a quarter of their own length apart
CHUNK_S = 8.0  # windows are judged whenever this much more film is at hand
BATCH = 16  # windows judged in one call


@dataclass(frozen=True)
class Shot:
    """What the network said of one shot: log-odds of sped up and peak and mean flow, per frame."""

    times_s: NDArray[np.float64]
    """(F,)"""
    log_odds: NDArray[np.float32]
    """(K, F)"""
    motion: NDArray[np.float32]
    """(F,) mean flow at factor 1."""
    peak_motion: NDArray[np.float32]
    """(K, F) flow of the busiest cell."""


def judge_shots(
    frames: Iterable[Frame],
    judge: Judge,
    clip: ClipSpec,
    factors: tuple[float, ...],
    progress: Callable[[float], None] = lambda time_s: None,
) -> Iterator[Shot]:
    """Split a film at its cuts and judge every shot.

    Memory is bounded by CHUNK_S and the longest window, whatever the length of the film.

    Args:
        frames: in order, at the clip's short side and with its channels.
        judge: the network, see :data:`Judge`.
        clip: what the network looks at.
        factors: at which the film is watched.
        progress: receives the time in seconds up to which the film has been seen.
    """
    detector = CutDetector()
    shot: _OpenShot | None = None
    for frame in frames:
        luma_HW = frame.pixels_HWC[:, :, 0] if clip.channels == 1 else frame.pixels_HWC.mean(2)
        cut = detector.is_cut(luma_HW.astype(np.uint8))
        if shot is None or cut:
            if shot is not None:
                yield shot.close()
            shot = _OpenShot(judge, clip, factors)
        shot.add(float(frame.time_s), frame.pixels_HWC)
        progress(float(frame.time_s))
    if shot is not None:
        yield shot.close()


class _OpenShot:
    """A shot still growing: judges windows as soon as their frames are there, then forgets frames."""

    def __init__(self, judge: Judge, clip: ClipSpec, factors: tuple[float, ...]) -> None:
        self.judge, self.clip, self.factors = judge, clip, factors
        self.all_times: list[float] = []
        self.times: list[float] = []  # of the frames still held
        self.frames: list[NDArray[np.uint8]] = []
        self.done: list[int] = [0] * len(factors)  # windows judged, by factor
        self.middles: list[list[float]] = [[] for _ in factors]
        self.answers: list[list[NDArray[np.float32]]] = [[] for _ in factors]
        self.judged_until_s = -np.inf

    def add(self, time_s: float, pixels_HWC: NDArray[np.uint8]) -> None:
        self.all_times.append(time_s)
        self.times.append(time_s)
        self.frames.append(_fit(pixels_HWC))
        if time_s - max(self.judged_until_s, self.all_times[0]) >= CHUNK_S:
            self.judged_until_s = time_s
            self._judge(time_s, closing=False)
            self._forget()

    def close(self) -> Shot:
        self._judge(self.all_times[-1], closing=True)
        times_s = np.array(self.all_times)
        answers = [np.stack(a) for a in self.answers]
        per_frame = np.stack(
            [
                [np.interp(times_s, middles, answer[:, column]) for column in range(3)]
                for middles, answer in zip(self.middles, answers, strict=True)
            ]
        ).astype(np.float32)
        return Shot(times_s, per_frame[:, 0], per_frame[0, 1], per_frame[:, 2])

    def _half_s(self, factor: float) -> float:
        return self.clip.duration_s * factor / 2

    def _stride_s(self, factor: float) -> float:
        return self.clip.duration_s * factor / WINDOWS_PER_LENGTH

    def _judge(self, until_s: float, closing: bool) -> None:
        """Judge every window that lies wholly before ``until_s``; when closing, all up to the end."""
        start_s = self.all_times[0]
        wanted: list[tuple[int, float]] = []
        for k, factor in enumerate(self.factors):
            while True:
                middle_s = start_s + self.done[k] * self._stride_s(factor)
                limit_s = until_s if closing else until_s - self._half_s(factor)
                if middle_s > limit_s:
                    break
                wanted.append((k, middle_s))
                self.done[k] += 1
            if closing and (not self.middles[k] or self.middles[k][-1] < until_s):
                wanted.append((k, until_s))
        held_s = np.array(self.times)
        for i in range(0, len(wanted), BATCH):
            self._judge_batch(wanted[i : i + BATCH], held_s, start_s, until_s)

    def _judge_batch(
        self, wanted: list[tuple[int, float]], held_s: NDArray[np.float64], start_s: float, end_s: float
    ) -> None:
        clips, spacings = [], []
        for k, middle_s in wanted:
            factor = self.factors[k]
            window_s = sampling.window_around(middle_s, factor, self.clip.n_frames, self.clip.frame_rate)
            # A window at the edge of a shot is filled by playing back and forth.
            indices = sampling.nearest_frames(held_s, sampling.reflect(window_s, start_s, end_s))
            clips.append(np.stack([self.frames[i] for i in indices]))
            spacings.append(sampling.played_intervals(held_s, indices, factor, self.clip.frame_rate))
        logits_B2, flow_B2 = self.judge(np.stack(clips), np.stack(spacings))
        log_odds_B = logits_B2[:, 1] - logits_B2[:, 0]
        for (k, middle_s), log_odds, flow in zip(wanted, log_odds_B, flow_B2, strict=True):
            self.middles[k].append(middle_s)
            self.answers[k].append(np.array([log_odds, *flow], np.float32))

    def _forget(self) -> None:
        """Drop frames that no window to come can need, reflections at the end included."""
        needed_s = min(
            self.all_times[0] + done * self._stride_s(factor) - 2 * self._half_s(factor)
            for done, factor in zip(self.done, self.factors, strict=True)
        )
        first = int(np.searchsorted(self.times, needed_s, "right")) - 1
        if first > 0:
            del self.times[:first], self.frames[:first]


def _fit(pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of the picture, cut to the multiples of 32 that the network can look at.

    Paper (§5.1): a square centre crop. Here: as much of the longer side as fits, because what
    moves is not always in the middle.
    """
    height, width = pixels_HWC.shape[0] // 32 * 32, pixels_HWC.shape[1] // 32 * 32
    top, left = (pixels_HWC.shape[0] - height) // 2, (pixels_HWC.shape[1] - width) // 2
    return pixels_HWC[top : top + height, left : left + width]
