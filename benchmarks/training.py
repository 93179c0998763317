"""How many clips a second does training take, and how long does it wait for data?

    pip install "speediness[train]"
    python benchmarks/training.py VIDEOS [RECIPE] [KEY=VALUE]... [-o DIR]

VIDEOS is a folder of videos. Three ways side by side in one run: the plain loop (single precision,
eager, videos decoded when they are drawn, one thing after the other), the way of
``speediness train`` with videos mapped from disk, and the same with videos held on the device. Beside
them the two halves of the last: steps on a batch that is there, and batches drawn for no one.
Rounds alternate between all, so that what else the machine does hits them alike.

What the device could do at most is measured as products of large matrices, in the precision of the
training; the share of it counts the multiply-adds of the step's convolutions and linear layers.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch.utils.flop_counter import FlopCounterMode

from report import Results, arguments, markdown, report
from speediness.datasets import find_videos
from speediness.datasets.clip_cache import CachedVideo, ClipCache
from speediness.datasets.decoded_video import decode_video
from speediness.evaluation.speed_accuracy import MAGNIFICATION
from speediness.training.loader import Batch, Loader, drawn_ahead
from speediness.training.pixel_source import MappedPixels, PixelSource, ResidentPixels
from speediness.training.processes import Processes
from speediness.training.recipe import Recipe
from speediness.training.recipes import RECIPES
from speediness.training.run import Run
from speediness.training.tasks.task import ClipTask

VIDEOS, ROUNDS, STEPS, WARM_UP = 24, 4, 6, 3
DECODED = [name for name, recipe in RECIPES.items() if isinstance(recipe().task, ClipTask)]
"""Recipes whose batches are cut out of decoded videos; motion measured before is drawn in no time."""


class Decoded(Sequence[CachedVideo]):
    """Videos decoded whenever they are asked for."""

    def __init__(self, videos: Sequence[CachedVideo], short_side_px: int, channels: int) -> None:
        self.known, self.short_side_px, self.channels = list(videos), short_side_px, channels

    def __len__(self) -> int:
        """How many videos there are."""
        return len(self.known)

    def __getitem__(self, index):
        """The video, decoded anew."""
        known = self.known[index]
        frames_FHWC = decode_video(known.item, self.short_side_px, self.channels).frames_FHWC
        return replace(known, frames_FHWC=frames_FHWC, recompressed=())


class Way:
    """One way to train, its state and its times."""

    def __init__(
        self, recipe: Recipe, videos: Sequence[CachedVideo], pixels: PixelSource, plain: bool
    ) -> None:
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.run = Run(replace(recipe, bf16=recipe.bf16 and not plain), Processes(0, 1, device))
        if plain:
            self.run.forward = self.run.network
        assert isinstance(self.run.task, ClipTask)
        self.loader = Loader(
            videos,
            self.run.task,
            recipe.config.clip,
            recipe.windows,
            recipe.seed,
            recipe.spatial,
            pixels,
            zoom=recipe.zoom,
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


class StepsAlone:
    """Training on one batch over and over, which is there."""

    def __init__(self, way: Way) -> None:
        self.run, self.batch = way.run, way.loader.batch(0).to(way.run.device)

    def steps(self, count: int) -> tuple[float, float]:
        """As :meth:`Way.steps`; nothing is waited for."""
        start_s = time.perf_counter()
        for _ in range(count):
            self.run.step(self.batch, 0.0)
        return time.perf_counter() - start_s, 0.0


class DrawingAlone:
    """The batches, without a network that would use them."""

    def __init__(self, way: Way) -> None:
        self.loader = way.loader

    def steps(self, count: int) -> tuple[float, float]:
        """As :meth:`Way.steps`; all of it is waiting."""
        with drawn_ahead(self.loader, 0) as batches:
            next(batches)
            start_s = time.perf_counter()
            for _ in range(count):
                next(batches)
            taken_s = time.perf_counter() - start_s
        return taken_s, taken_s


def step_flops(recipe: Recipe, way: Way) -> int:
    """Floating-point operations of one step, forwards and backwards; a multiply-add is two."""
    run = Run(replace(recipe, compiled=False), way.run.processes)
    with FlopCounterMode(display=False) as counter:
        run.step(way.loader.batch(0), 0.0)
    return counter.get_total_flops()


def matrix_flops_per_s(device: torch.device, bf16: bool) -> float:
    """The most of a few sizes of square matrices, multiplied ten times over."""
    best = 0.0
    for side in (1024, 2048, 4096) if device.type == "cpu" else (4096, 8192, 16384):
        matrix = torch.randn(side, side, device=device).to(torch.bfloat16 if bf16 else torch.float32)
        taken_s = []
        for _ in range(10):
            start_s = time.perf_counter()
            (matrix @ matrix)[0, 0].item()  # waits until it is there
            taken_s.append(time.perf_counter() - start_s)
        best = max(best, 2 * side**3 / min(taken_s))
    return best


@contextmanager
def _one_after_the_other(loader: Loader) -> Iterator[Iterator[Batch]]:
    yield (loader.batch(step) for step in range(10**9))


def main() -> None:
    """Measure, print, draw."""
    parser = arguments(__doc__)
    parser.add_argument("videos", metavar="VIDEOS", help="folder of videos")
    parser.add_argument("recipe", nargs="?", choices=DECODED, default="speednet_s3dg", metavar="RECIPE")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="changes of the recipe")
    given = parser.parse_args()
    report("training", given, partial(measure, given), tables, draw)


def measure(given: argparse.Namespace) -> Results:
    """Seconds of every round, and how many of them were spent waiting for data, by way."""
    recipe = RECIPES[given.recipe]().with_settings(given.settings)
    clip = recipe.config.clip
    items = find_videos(given.videos, "train")
    items = items[:: -(-len(items) // VIDEOS)]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with tempfile.TemporaryDirectory() as folder:
        cache = ClipCache(Path(folder), MAGNIFICATION * clip.size_px, clip.channels)
        videos = cache.videos(items, print, recipe.recompressed)
        decoded = Decoded(videos, MAGNIFICATION * clip.size_px, clip.channels)
        ways = {
            "plain loop": Way(recipe, decoded, MappedPixels(), plain=True),
            "mapped": Way(recipe, videos, MappedPixels(), plain=False),
            "resident": Way(recipe, videos, ResidentPixels(videos, device), plain=False),
        }
        halves = {
            "steps alone": StepsAlone(ways["resident"]),
            "drawing alone": DrawingAlone(ways["resident"]),
        }
        flops = step_flops(recipe, ways["mapped"])
        rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways | halves}
        for way in ways.values():
            way.steps(WARM_UP)
        for _ in range(ROUNDS):
            for name, way in (ways | halves).items():
                rounds[name].append(way.steps(STEPS))
    return {
        "recipe": " ".join([given.recipe, *given.settings]),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU",
        "clips": STEPS * recipe.clips,
        "flops_per_clip": flops / recipe.clips,
        "matrix_flops_per_s": matrix_flops_per_s(device, ways["mapped"].run.bf16),
        "precision": "bfloat16" if ways["mapped"].run.bf16 else "single precision",
        "rounds": rounds,
    }


def clips_per_s(results: Results, name: str) -> float:
    """Of one way, the median of its rounds."""
    return results["clips"] / float(np.median([total_s for total_s, _ in results["rounds"][name]]))


def tables(results: Results) -> str:
    """One line a way."""
    rows = []
    for name, taken in results["rounds"].items():
        rate = clips_per_s(results, name)
        waiting = sum(waited_s for _, waited_s in taken) / sum(total_s for total_s, _ in taken)
        gain = rate / clips_per_s(results, "plain loop")
        peak = rate * results["flops_per_clip"] / results["matrix_flops_per_s"]
        share = "" if name == "drawing alone" else f"{peak:.0%}"
        rows.append([name, f"{rate:.1f}", f"{gain:.2f}", f"{waiting:.0%}", share])
    columns = ["way", "clips/s", "times the plain loop", "waiting for data", "of the matrix peak"]
    return (
        f"{results['recipe']} on {results['device']}; {results['flops_per_clip'] / 1e9:.2f} GFLOP a clip,"
        f" matrix peak {results['matrix_flops_per_s'] / 1e12:.2f} TFLOP/s in {results['precision']}"
        f"\n\n{markdown(columns, rows)}"
    )


def draw(figure: Figure, results: Results) -> None:
    """Clips a second of every way."""
    figure.set_size_inches(6, 2.8)
    axes = figure.subplots()
    names = list(results["rounds"])
    bars = axes.barh(names, [clips_per_s(results, name) for name in names], color="#6E7B74")
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.invert_yaxis()
    axes.set_xlabel(f"clips a second, {results['recipe']} on {results['device']}")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
