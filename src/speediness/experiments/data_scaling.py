"""What more videos would bring: networks trained on shares of the sources, and a line through them.

Not an experiment of the paper, which had 246 000 videos. Sources are what is counted: videos of one
source are alike, and a network learns a new place, camera and sport from a new source alone.
"""

# S sources, M networks

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from speediness.datasets.video_list import VideoItem, held_out
from speediness.evaluation.speed_accuracy import (
    VideoScores,
    by_source,
    clip_accuracy,
    matched_pairs,
    window_accuracy,
)
from speediness.experiments.ablation import Row
from speediness.experiments.row_run import Log, VideoSplits, make_row
from speediness.plots import INK, new_figure, save_figure
from speediness.results.documents import markdown_table, write_json, write_text
from speediness.training.metrics import read_metrics
from speediness.training.recipe import Recipe
from speediness.version import __version__

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Float64s = NDArray[np.float64]

SCHEMA = "speediness.data_scaling/1"
SHARES = (0.1, 0.3, 1.0)
TENFOLD = 10.0
"""How many times the sources there are the line is drawn on to."""
LOOKS = 6
"""How often a training is validated on the way."""
DRAWS = 400
MEASURES: dict[str, Callable[[Sequence[VideoScores]], float]] = {
    "accuracy": window_accuracy,
    "accuracy_clip": clip_accuracy,
    "matched_pairs": matched_pairs,
}


def data_scaling(base: Recipe, videos: VideoSplits, out: Path, seeds: int, log: Log) -> dict[str, Any]:
    """Train on shares of the sources, test, and draw the line on; what ``out`` holds is not done again.

    Args:
        base: recipe of every network.
        videos: to train and test on. The same sources are held out whatever the share.
        out: folder; a folder a share and seed, ``data_scaling.json``, ``.md`` and ``.png``.
        seeds: networks a share; each seed draws its sources anew, a share being part of the next.
        log: receives one line at a time.

    Returns:
        The document in ``data_scaling.json``: ``networks`` with their figures, and ``expected`` of
        ten times the sources by measure.

    Raises:
        DataError: ``out`` holds networks of another recipe or of other videos; too few videos.
        OutputError: ``out`` cannot be written.
    """
    recipe = dataclasses.replace(base, evaluate_every=max(1, base.steps // LOOKS))
    networks: list[dict[str, Any]] = []
    scores: list[list[VideoScores]] = []
    jobs = [(seed, share) for seed in range(seeds) for share in SHARES]
    for number, (seed, share) in enumerate(jobs, 1):
        row = Row(f"share_{100 * share:.0f}", f"{share:.0%} of the sources, seed {seed}", "ours")
        log(f"{row.title}: network {number} of {len(jobs)}")
        own = dataclasses.replace(videos, train=share_of_sources(videos.train, recipe, share, seed))
        folder = out / row.name / f"seed-{seed}"
        result = make_row(row, dataclasses.replace(recipe, seed=seed), own, folder, out / "cache", log)
        kept, _ = held_out(own.train, recipe.validation_share)
        figures = {"trained_on": result.trained, "in_domain": result.test, "out_of_domain": result.ood}
        networks.append(
            {
                "share": share,
                "seed": seed,
                "sources": len({item.source for item in kept}),
                "films": len(kept),
                **{part: _figures(tested) if tested else None for part, tested in figures.items()},
                "held_out": [
                    {"clips": look["step"] * recipe.clips, "accuracy": look["validation"]["accuracy"]}
                    for look in read_metrics(folder / "metrics.jsonl")
                    if "validation" in look
                ],
            }
        )
        scores.append(result.test)
    document = {
        "schema": SCHEMA,
        "made_by": {"speediness": __version__, "recipe": recipe.to_json()},
        "networks": networks,
        "expected": {
            "sources": TENFOLD * max(network["sources"] for network in networks),
            **expected(np.array([network["sources"] for network in networks]), scores),
        },
    }
    write_json(out / "data_scaling.json", document)
    write_text(out / "data_scaling.md", markdown_table(table(document)))
    plot_scaling(document, out / "data_scaling.png")
    return document


def share_of_sources(items: list[VideoItem], recipe: Recipe, share: float, seed: int) -> list[VideoItem]:
    """The videos of a share of the sources trained on, and all that are held out."""
    kept, held = held_out(items, recipe.validation_share)

    def place(source: str) -> bytes:
        return hashlib.sha256(f"{seed} {source}".encode()).digest()

    sources = sorted({item.source for item in kept}, key=place)
    chosen = set(sources[: math.ceil(share * len(sources))])
    return [item for item in kept if item.source in chosen] + held


def expected(sources_M: NDArray[np.int_], scores: Sequence[Sequence[VideoScores]]) -> dict[str, Any]:
    """The log-odds of being right as a straight line in the logarithm of the number of sources.

    Args:
        sources_M: how many each network was trained on.
        scores: what each said of the test videos.

    Returns:
        By measure ``at_most``, the line at the most sources, ``at_tenfold``, at ten times as many,
        ``gain`` between the two, and the 95 % interval of the last two: test sources are resampled,
        for all networks alike, and networks within their share; ``line`` in points (sources, share).
        That it goes on straight is an assumption.
    """
    sources = [by_source(videos) for videos in scores]
    names = sorted(sources[0])
    groups = [np.flatnonzero(sources_M == count) for count in np.unique(sources_M)]
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(DRAWS):
        drawn = rng.integers(len(names), size=len(names))
        networks = np.concatenate([rng.choice(group, len(group)) for group in groups])
        draws.append((networks, [names[n] for n in drawn]))
    most = sources_M.max()
    ends = np.array([most, TENFOLD * most])
    places = np.concatenate([np.geomspace(sources_M.min(), most), np.geomspace(*ends)])
    result = {}
    for name, measure in MEASURES.items():
        values = (
            _line(sources_M[networks], [measure(_of(sources[n], drawn)) for n in networks])(ends)
            for networks, drawn in draws
        )
        most_D, tenfold_D = np.stack(list(values), 1)
        line = _line(sources_M, [measure(videos) for videos in scores])
        at_most, at_tenfold = line(ends).tolist()
        result[name] = {
            "at_most": at_most,
            "at_tenfold": at_tenfold,
            "gain": at_tenfold - at_most,
            "line": np.stack([places, line(places)], 1).tolist(),
            "interval_95": {
                "at_tenfold": np.quantile(tenfold_D, (0.025, 0.975)).tolist(),
                "gain": np.quantile(tenfold_D - most_D, (0.025, 0.975)).tolist(),
            },
        }
    return result


def _of(sources: dict[str, list[VideoScores]], drawn: list[str]) -> list[VideoScores]:
    return [video for source in drawn for video in sources[source]]


def _line(sources_M: NDArray[np.int_], values: list[float]) -> Callable[[Float64s], Float64s]:
    """The least-squares line through shares right, which gives the share at other numbers of sources.

    All and none right, which small samples can be, count as 99.5 and 0.5 %.
    """
    share_M = np.clip(values, 0.005, 0.995)
    slope, offset = np.polyfit(np.log10(sources_M), np.log(share_M / (1 - share_M)), 1)
    return lambda sources: 1 / (1 + np.exp(-offset - slope * np.log10(sources)))


def _figures(videos: Sequence[VideoScores]) -> dict[str, float]:
    return {name: measure(videos) for name, measure in MEASURES.items()}


def table(document: dict[str, Any]) -> list[list[str]]:
    """A row a share, the mean over its networks, and what ten times the sources would bring.

    The first row is the head; shares in percent.
    """
    titles = (*TITLES.values(), "windows, out of domain", "windows, trained on")
    rows = [["sources", "videos", "networks", *titles]]
    for share in SHARES:
        made = [network for network in document["networks"] if network["share"] == share]

        def mean(part: str, name: str, made: list[dict[str, Any]] = made) -> str:
            return f"{np.mean([network[part][name] for network in made]):.1%}" if made[0][part] else ""

        counts = (f"{np.mean([network[name] for network in made]):.0f}" for name in ("sources", "films"))
        cells = [*counts, str(len(made)), *(mean("in_domain", name) for name in TITLES)]
        rows.append([*cells, *(mean(part, "accuracy") for part in ("out_of_domain", "trained_on"))])
    last = [f"{document['expected']['sources']:.0f}, expected", "", ""]
    for name in TITLES:
        found = document["expected"][name]
        low, high = found["interval_95"]["at_tenfold"]
        last.append(f"{found['at_tenfold']:.1%} ({100 * low:.1f} to {100 * high:.1f})")
    return [*rows, [*last, "", ""]]


# Okabe and Ito's colours; every measure and share has a marker of its own too.
LINES = {
    "accuracy": ("windows", "#0072B2", "o"),
    "accuracy_clip": ("clips", "#009E73", "s"),
    "matched_pairs": ("matched pairs", "#CC79A7", "^"),
}
TITLES = {name: title for name, (title, _, _) in LINES.items()}
SHARE_COLOURS = ("#E69F00", "#56B4E9", "#0072B2")


def plot_scaling(document: dict[str, Any], out_png: Path) -> None:
    """Draw accuracy over sources, with the line drawn on, and over clips seen; replaces a plot when whole.

    Raises:
        OutputError: the plot cannot be written.
    """
    figure = new_figure(11, 4.6)
    left, right = figure.subplots(1, 2)
    _draw_sources(left, document)
    _draw_clips(right, document["networks"])
    for axes, corner in ((left, "upper left"), (right, "best")):
        axes.spines[["top", "right"]].set_visible(False)
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        axes.grid(color="#DDDDDD", lw=0.5)
        axes.tick_params(colors=INK)
        axes.legend(loc=corner, frameon=True, edgecolor="none", fontsize=9)
    save_figure(figure, out_png)


def _draw_sources(axes: Axes, document: dict[str, Any]) -> None:
    networks, found = document["networks"], document["expected"]
    sources = np.array([network["sources"] for network in networks])
    most, tenfold = sources.max(), found["sources"]
    for place, (name, (label, colour, marker)) in enumerate(LINES.items()):
        values = [network["in_domain"][name] for network in networks]
        axes.plot(sources, values, marker, color=colour, ms=6, alpha=0.8, label=label)
        places, line = np.array(found[name]["line"]).T
        for part, style in ((places <= most, "-"), (places >= most, "--")):
            axes.plot(places[part], line[part], color=colour, lw=1.5, ls=style)
        low, high = found[name]["interval_95"]["at_tenfold"]
        axes.vlines(tenfold * 1.06 ** (place - 1), low, high, color=colour, lw=1.5)  # beside one another
    _, colour, marker = LINES["accuracy"]
    values = [network["trained_on"]["accuracy"] for network in networks]
    axes.plot(sources, values, marker, color=colour, mfc="none", ms=6, label="windows of videos trained on")
    axes.set_xscale("log")
    ticks = sorted({*sources.tolist(), round(tenfold)})
    axes.set_xticks(ticks, [str(count) for count in ticks])
    axes.minorticks_off()
    axes.set_xlabel("sources trained on (dashed: expected of ten times as many, 95 %)")
    axes.set_title("test videos, by sources", loc="left", fontsize=11)


def _draw_clips(axes: Axes, networks: list[dict[str, Any]]) -> None:
    shares = sorted({network["share"] for network in networks})
    for share, colour, marker in zip(shares, SHARE_COLOURS, "osD", strict=True):
        curves = [network["held_out"] for network in networks if network["share"] == share]
        clips = [look["clips"] for look in curves[0]]
        accuracy = [np.mean([curve[n]["accuracy"] for curve in curves]) for n in range(len(clips))]
        axes.plot(clips, accuracy, f"-{marker}", color=colour, ms=5, label=f"{share:.0%} of the sources")
    axes.margins(y=0.3)  # room for the legend
    axes.set_xlabel("clips seen in training")
    axes.set_title("held-out videos, windows, by clips", loc="left", fontsize=11)
