"""Films and a task to batches; sample (seed, step, index) is always the same clip."""

# V windows a batch, B = V * views clips, T frames, S = T - 1 intervals

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import torch

from speediness.clip import ClipSpec
from speediness.datasets.augment import ZOOM, Look, apply_looks, centre_look, draw_look
from speediness.datasets.clip_cache import CachedFilm
from speediness.errors import SpeedinessError
from speediness.sampling import nearest_frames, played_intervals, reflect
from speediness.tasks.task import Batch, Task
from speediness.training.pixels import Cut, MappedPixels, Pixels


class Loader:
    """Draws windows of film, source by source, where something moves.

    Args:
        films: decoded films.
        task: says which views to cut.
        clip: what the network looks at.
        windows: windows a batch, over all processes.
        seed: of the run.
        spatial: augment in space (§3.1); else every clip is the centre square.
        zoom: of the augmentation, at most.
        pixels: where the pixels come from.
        part: which of how many equal parts of every batch to give: the rank of a process and
            their count.

    Raises:
        SpeedinessError: the windows cannot be shared out evenly.
    """

    def __init__(
        self,
        films: Sequence[CachedFilm],
        task: Task,
        clip: ClipSpec,
        windows: int,
        seed: int,
        spatial: bool = True,
        pixels: Pixels | None = None,
        part: tuple[int, int] = (0, 1),
        zoom: float = ZOOM,
    ) -> None:
        self.films, self.task, self.clip, self.seed = films, task, clip, seed
        self.spatial, self.zoom = spatial, zoom
        self.pixels = pixels or MappedPixels()
        rank, parts = part
        if windows % parts:
            raise SpeedinessError(
                f"{windows} windows a step cannot be shared evenly by {parts} processes: "
                "set windows to a multiple of that"
            )
        self.indices = range(rank * windows // parts, (rank + 1) * windows // parts)
        seconds: dict[str, float] = defaultdict(float)
        lengths_s = [(film.item.source, film.end_s) for film in films]
        for source, length_s in lengths_s:
            seconds[source] += length_s
        # A source counts with the root of its length, its films share that by theirs: a long
        # source is neither drowned nor does it drown the others.
        weight = [length_s / seconds[source] ** 0.5 for source, length_s in lengths_s]
        self.probability = np.array(weight) / sum(weight)

    def batch(self, step: int) -> Batch:
        """The batch of one step; the same for the same seed, whatever was drawn before."""
        cuts = self.draw(step)
        with torch.cuda.stream(self.pixels.stream):
            clips_BTHWC = apply_looks(
                self.pixels.squares(cuts),
                [cut.look for cut in cuts],
                [cut.noise_at for cut in cuts],
                self.clip.size_px,
            )
        if self.pixels.stream is not None:
            self.pixels.stream.synchronize()
        return Batch(
            clips_BTHWC,
            torch.from_numpy(np.stack([cut.intervals for cut in cuts])),
            torch.tensor([cut.view.label for cut in cuts]),
            tuple(dict.fromkeys(cut.origin for cut in cuts[:: self.task.views_per_window])),
        )

    def draw(self, step: int) -> list[Cut]:
        """What the batch of a step is made of."""
        return [
            cut
            for index in self.indices
            for cut in self._cuts(np.random.default_rng((self.seed, step, index)))
        ]

    def _cuts(self, rng: np.random.Generator) -> list[Cut]:
        """The views of one window."""
        number = int(rng.choice(len(self.films), p=self.probability))
        film = self.films[number]
        views = self.task.draw(film.item, lambda: self._busier_of_two(film, rng), self.clip, rng)
        shown = [nearest_frames(film.times_s, reflect(view.times_s, 0, film.end_s)) for view in views]
        # Drawn before any subsampling, and the same for all views: compression says nothing of speed.
        copy = int(rng.integers(1 + len(film.recompressed)))
        looks = [self._look(film, rng) for _ in range(1 + max(view.take for view in views))]
        cuts = []
        for view, frames in zip(views, shown, strict=True):
            spacing = played_intervals(film.times_s, frames, view.factor, self.clip.frame_rate)
            noise_at = int(rng.integers(2**31))
            cuts.append(Cut(film, number, copy, frames, view, looks[view.take], noise_at, spacing))
        return cuts

    def _look(self, film: CachedFilm, rng: np.random.Generator) -> Look:
        height, width = film.frames_FHWC.shape[1:3]
        return draw_look(height, width, rng, self.zoom) if self.spatial else centre_look(height, width)

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


@contextmanager
def drawn_ahead(loader: Loader, first: int) -> Iterator[Iterator[Batch]]:
    """The batches from step ``first`` on, some drawn while the network works on the one before.

    One thread draws on a CPU, whose cores the network needs, and where films are held on a GPU;
    otherwise several, since a GPU works faster than a core cuts clips.
    """
    ahead = 8 if torch.cuda.is_available() and loader.pixels.stream is None else 1
    with ThreadPoolExecutor(ahead) as pool:

        def draw() -> Iterator[Batch]:
            pending = deque(pool.submit(loader.batch, first + n) for n in range(ahead))
            for step in itertools.count(first + ahead):
                batch = pending.popleft().result()
                pending.append(pool.submit(loader.batch, step))
                yield batch

        yield draw()
