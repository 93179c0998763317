"""How many clips a second does training take, and how long does it wait for data?

    pip install "speediness[train]"
    python benchmarks/training.py FILMS [RECIPE] [KEY=VALUE]...

FILMS is a folder of videos. Three ways side by side in one run: the plain loop (single precision,
eager, films decoded when they are drawn, one thing after the other), the way of
``speediness train`` with films mapped from disk, and the same with films held on the device.
Rounds alternate between the ways, so that what else the machine does hits all alike.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from speediness.datasets import find_videos
from speediness.datasets.clip_cache import CachedFilm, ClipCache
from speediness.datasets.film import read_film
from speediness.evaluation.speed_accuracy import ZOOM
from speediness.training.loader import Batch, Loader, drawn_ahead
from speediness.training.pixels import MappedPixels, Pixels, ResidentPixels
from speediness.training.processes import Processes
from speediness.training.recipe import RECIPES, Recipe
from speediness.training.run import Run

FILMS, ROUNDS, STEPS, WARM_UP = 24, 4, 6, 3


class Decoded(Sequence[CachedFilm]):
    """Films decoded whenever they are asked for."""

    def __init__(self, films: Sequence[CachedFilm], short_side_px: int, channels: int) -> None:
        self.known, self.short_side_px, self.channels = list(films), short_side_px, channels

    def __len__(self) -> int:
        """How many films there are."""
        return len(self.known)

    def __getitem__(self, index):
        """The film, decoded anew."""
        known = self.known[index]
        frames_FHWC = read_film(known.item, self.short_side_px, self.channels).frames_FHWC
        return replace(known, frames_FHWC=frames_FHWC, recompressed=())


class Way:
    """One way to train, its state and its times."""

    def __init__(self, recipe: Recipe, films: Sequence[CachedFilm], pixels: Pixels, plain: bool) -> None:
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.run = Run(replace(recipe, bf16=recipe.bf16 and not plain), Processes(0, 1, device))
        if plain:
            self.run.forward = self.run.network
        windows = recipe.clips // self.run.task.views_per_window
        self.loader = Loader(
            films, self.run.task, recipe.config.clip, windows, recipe.seed, recipe.spatial, pixels
        )
        self.plain = plain

    def steps(self, count: int) -> tuple[float, float]:
        """Take so many steps after a first one; seconds in all, and those spent waiting for data."""
        waited_s = start_s = 0.0
        with _one_after_the_other(self.loader) if self.plain else drawn_ahead(self.loader, 0) as batches:
            self.run.step(next(batches), 0.0)
            start_s = time.perf_counter()
            for _ in range(count):
                before_s = time.perf_counter()
                batch = next(batches)
                waited_s += time.perf_counter() - before_s
                self.run.step(batch, 0.0)
            taken_s = time.perf_counter() - start_s
        return taken_s, waited_s


@contextmanager
def _one_after_the_other(loader: Loader) -> Iterator[Iterator[Batch]]:
    yield (loader.batch(step) for step in range(10**9))


def main() -> None:
    """Measure and print one line a way."""
    data, name, *settings = [*sys.argv[1:], *(["speednet_small"] if len(sys.argv) < 3 else [])]
    recipe = RECIPES[name]().with_settings(settings)
    clip = recipe.config.clip
    items = find_videos(data, "train")
    items = items[:: -(-len(items) // FILMS)]
    with tempfile.TemporaryDirectory() as folder:
        cache = ClipCache(Path(folder), ZOOM * clip.size_px, clip.channels)
        films = cache.films(items, print, recipe.recompressed)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        decoded = Decoded(films, ZOOM * clip.size_px, clip.channels)
        ways = {
            "plain loop": Way(recipe, decoded, MappedPixels(), plain=True),
            "mapped": Way(recipe, films, MappedPixels(), plain=False),
            "resident": Way(recipe, films, ResidentPixels(films, device), plain=False),
        }
        times: dict[str, list[tuple[float, float]]] = {key: [] for key in ways}
        for way in ways.values():
            way.steps(WARM_UP)
        for _ in range(ROUNDS):
            for key, way in ways.items():
                times[key].append(way.steps(STEPS))
    base = 0.0
    for key, taken in times.items():
        seconds, waited = np.median([total for total, _ in taken]), sum(wait for _, wait in taken)
        rate = STEPS * recipe.clips / seconds
        base = base or rate
        share = waited / sum(total for total, _ in taken)
        print(f"{key:12} {rate:8.1f} clips/s, {rate / base:5.2f} of the plain loop, {share:4.0%} waiting")


if __name__ == "__main__":
    main()
