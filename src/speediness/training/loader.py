"""Films and a task to batches; sample (seed, step, index) is always the same clip."""

# V windows a batch, B = V * views clips, T frames, S = T - 1 intervals

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import CachedFilm
from speediness.sampling import nearest_frames, played_intervals, reflect
from speediness.tasks.speed_class import SpeedClassTask
from speediness.training.augment import apply_look, draw_looks


@dataclass(frozen=True)
class Batch:
    """What the network and the loss are given."""

    clips_BTHWC: Tensor
    intervals_BS: Tensor


class Loader:
    """Draws windows of film, source by source, where something moves.

    Args:
        films: decoded films.
        task: says which views to cut.
        clip: what the network looks at.
        windows: windows a batch.
        seed: of the run.
    """

    def __init__(
        self, films: list[CachedFilm], task: SpeedClassTask, clip: ClipSpec, windows: int, seed: int
    ) -> None:
        self.films, self.task, self.clip, self.windows, self.seed = films, task, clip, windows, seed
        seconds: dict[str, float] = defaultdict(float)
        for film in films:
            seconds[film.item.source] += film.end_s
        # A source counts with the root of its length, its films share that by theirs: a long
        # source is neither drowned nor does it drown the others.
        weight = [film.end_s / seconds[film.item.source] ** 0.5 for film in films]
        self.probability = np.array(weight) / sum(weight)

    def batch(self, step: int) -> Batch:
        """The batch of one step; the same for the same seed, whatever was drawn before."""
        clips: list[Tensor] = []
        intervals: list[Tensor] = []
        for index in range(self.windows):
            rng = np.random.default_rng((self.seed, step, index))
            for clip, interval in self._window(rng):
                clips.append(clip)
                intervals.append(interval)
        return Batch(torch.stack(clips), torch.stack(intervals))

    def _window(self, rng: np.random.Generator) -> list[tuple[Tensor, Tensor]]:
        film = self.films[rng.choice(len(self.films), p=self.probability)]
        start_s, end_s = self._busier_of_two(film, rng)
        views = self.task.draw(start_s, end_s, self.clip, rng)
        shown = [nearest_frames(film.times_s, reflect(view.times_s, 0, film.end_s)) for view in views]
        used = np.unique(np.concatenate(shown))
        first, last = film.frames_FHWC[used[0]], film.frames_FHWC[used[-1]]
        middle = film.frames_FHWC[used[len(used) // 2]]
        change = np.abs(first.astype(np.int16) - middle) + np.abs(last.astype(np.int16) - middle)
        height, width = middle.shape[:2]
        looks = draw_looks(height, width, change.mean(-1), rng)
        noise_seed = rng.integers(2**31, size=len(views))
        drawn = []
        for view, frames, seed in zip(views, shown, noise_seed, strict=True):
            pixels = film.frames_FHWC[frames]
            look = looks[view.magnified]
            clip = apply_look(pixels, look, self.clip.size_px, np.random.default_rng(seed))
            spacing = played_intervals(film.times_s, frames, view.factor, self.clip.frame_rate)
            drawn.append((clip, torch.from_numpy(spacing)))
        return drawn

    def _busier_of_two(self, film: CachedFilm, rng: np.random.Generator) -> tuple[float, float]:
        """Of two random segments as long as the longest view, the one in which more changes."""
        length_s = min(2.2 * self.clip.duration_s, film.end_s)
        starts = rng.uniform(0, film.end_s - length_s, size=2)
        moments = (film.times_s[1:] + film.times_s[:-1]) / 2

        def busy(start_s: float) -> float:
            inside = (moments >= start_s) & (moments <= start_s + length_s)
            return float(film.activity[inside].mean()) if inside.any() else 0.0

        start_s = max(starts, key=busy)
        return start_s, start_s + length_s
