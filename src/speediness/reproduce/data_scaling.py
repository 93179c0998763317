"""What more films would bring: networks trained on shares of the sources, and a line through them.

Not an experiment of the paper, which had 246 000 films. Sources are what is counted: films of one
source are alike, and a network learns a new place, camera and sport from a new source alone.
"""

# S sources, M networks

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import speediness
from speediness.datasets.video_list import VideoItem, held_out
from speediness.documents import write_json, write_text
from speediness.evaluation.speed_accuracy import (
    FilmScores,
    clip_accuracy,
    matched_pairs,
    window_accuracy,
)
from speediness.reproduce.ablation import Row
from speediness.reproduce.data_scaling_picture import plot_scaling
from speediness.reproduce.row_run import Films, Log, make_row
from speediness.training.metrics import read_metrics
from speediness.training.recipe import Recipe

SCHEMA = "speediness.data_scaling/1"
SHARES = (0.1, 0.3, 1.0)
TENFOLD = 10.0
"""How many times the sources there are the line is drawn on to."""
LOOKS = 6
"""How often a training is validated on the way."""
DRAWS = 400
MEASURES: dict[str, Callable[[Sequence[FilmScores]], float]] = {
    "accuracy": window_accuracy,
    "accuracy_clip": clip_accuracy,
    "matched_pairs": matched_pairs,
}


def data_scaling(base: Recipe, films: Films, out: Path, seeds: int, log: Log) -> dict[str, Any]:
    """Train on shares of the sources, test, and draw the line on; what ``out`` holds is not done again.

    Args:
        base: recipe of every network.
        films: to train and test on. The same sources are held out whatever the share.
        out: folder; a folder a share and seed, ``data_scaling.json``, ``.md`` and ``.png``.
        seeds: networks a share; each seed draws its sources anew, a share being part of the next.
        log: receives one line at a time.

    Returns:
        The document in ``data_scaling.json``: ``networks`` with their figures, and ``expected`` of
        ten times the sources by measure.

    Raises:
        DataError: ``out`` holds networks of another recipe or of other films; too few films.
        OutputError: ``out`` cannot be written.
    """
    recipe = dataclasses.replace(base, evaluate_every=max(1, base.steps // LOOKS))
    networks: list[dict[str, Any]] = []
    scores: list[list[FilmScores]] = []
    jobs = [(seed, share) for seed in range(seeds) for share in SHARES]
    for number, (seed, share) in enumerate(jobs, 1):
        row = Row(f"share_{100 * share:.0f}", f"{share:.0%} of the sources, seed {seed}", "ours")
        log(f"{row.title}: network {number} of {len(jobs)}")
        own = dataclasses.replace(films, train=share_of_sources(films.train, recipe, share, seed))
        folder = out / row.name / f"seed-{seed}"
        result = make_row(row, dataclasses.replace(recipe, seed=seed), own, folder, out / "cache", log)
        kept, _ = held_out(own.train, recipe.validation_share)
        figures = {"in_domain": result.test, "out_of_domain": result.ood}
        networks.append(
            {
                "share": share,
                "seed": seed,
                "sources": len({item.source for item in kept}),
                "films": len(kept),
                **{part: _figures(films) if films else None for part, films in figures.items()},
                "held_out": [
                    {"clips": row["step"] * recipe.clips, "accuracy": row["validation"]["accuracy"]}
                    for row in read_metrics(folder / "metrics.jsonl")
                    if "validation" in row
                ],
            }
        )
        scores.append(result.test)
    document = {
        "schema": SCHEMA,
        "made_by": {"speediness": speediness.__version__, "recipe": recipe.to_json()},
        "networks": networks,
        "expected": {
            "sources": TENFOLD * max(network["sources"] for network in networks),
            **expected(np.array([network["sources"] for network in networks]), scores),
        },
    }
    write_json(out / "data_scaling.json", document)
    write_text(out / "data_scaling.md", markdown(document))
    plot_scaling(document, out / "data_scaling.png")
    return document


def share_of_sources(items: list[VideoItem], recipe: Recipe, share: float, seed: int) -> list[VideoItem]:
    """The films of a share of the sources trained on, and all that are held out."""
    kept, held = held_out(items, recipe.validation_share)

    def place(source: str) -> bytes:
        return hashlib.sha256(f"{seed} {source}".encode()).digest()

    sources = sorted({item.source for item in kept}, key=place)
    chosen = set(sources[: math.ceil(share * len(sources))])
    return [item for item in kept if item.source in chosen] + held


def expected(sources_M: NDArray[np.int_], scores: Sequence[Sequence[FilmScores]]) -> dict[str, Any]:
    """The log-odds of being right as a straight line in the logarithm of the number of sources.

    Args:
        sources_M: how many each network was trained on.
        scores: what each said of the test films.

    Returns:
        By measure ``at_most``, the line at the most sources, ``at_tenfold``, at ten times as many,
        ``gain`` between the two, and the 95 % interval of the last two: test sources are resampled,
        for all networks alike, and networks within their share. That the line goes on straight is an
        assumption.
    """
    by_source: list[dict[str, list[FilmScores]]] = []
    for films in scores:
        by_source.append(defaultdict(list))
        for film in films:
            by_source[-1][film.source].append(film)
    names = sorted(by_source[0])
    groups = [np.flatnonzero(sources_M == count) for count in np.unique(sources_M)]
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(DRAWS):
        drawn = rng.integers(len(names), size=len(names))
        networks = np.concatenate([rng.choice(group, len(group)) for group in groups])
        draws.append((networks, [names[n] for n in drawn]))
    result = {}
    for name, measure in MEASURES.items():
        value = [
            _at_both(sources_M[networks], [measure(_of(by_source[n], drawn)) for n in networks])
            for networks, drawn in draws
        ]
        (at_most, at_tenfold) = _at_both(sources_M, [measure(films) for films in scores])
        most_D, tenfold_D = np.array(value).T
        result[name] = {
            "at_most": at_most,
            "at_tenfold": at_tenfold,
            "gain": at_tenfold - at_most,
            "interval_95": {
                "at_tenfold": np.quantile(tenfold_D, (0.025, 0.975)).tolist(),
                "gain": np.quantile(tenfold_D - most_D, (0.025, 0.975)).tolist(),
            },
        }
    return result


def _of(by_source: dict[str, list[FilmScores]], sources: list[str]) -> list[FilmScores]:
    return [film for source in sources for film in by_source[source]]


def _at_both(sources_M: NDArray[np.int_], values: list[float]) -> tuple[float, float]:
    """The least-squares line at the most sources and at ten times as many."""
    slope, offset = np.polyfit(np.log10(sources_M), log_odds(np.array(values)), 1)
    at = offset + slope * np.log10(sources_M.max() * np.array([1, TENFOLD]))
    at_most, at_tenfold = 1 / (1 + np.exp(-at))
    return float(at_most), float(at_tenfold)


def log_odds(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of shares right; all and none right, which small samples can be, count as 99.5 and 0.5 %."""
    share = share.clip(0.005, 0.995)
    return np.log(share / (1 - share))


def _figures(films: Sequence[FilmScores]) -> dict[str, float]:
    return {name: measure(films) for name, measure in MEASURES.items()}


TITLES = {"accuracy": "windows", "accuracy_clip": "clips", "matched_pairs": "matched pairs"}


def markdown(document: dict[str, Any]) -> str:
    """The table: a row a share, the mean over its networks, and what ten times the sources would bring."""
    lines = [
        "| sources | films | networks | " + " | ".join(TITLES.values()) + " | windows, out of domain |",
        "|---" * (4 + len(TITLES)) + "|",
    ]
    for share in SHARES:
        made = [network for network in document["networks"] if network["share"] == share]

        def mean(part: str, name: str, made: list[dict[str, Any]] = made) -> str:
            return f"{np.mean([network[part][name] for network in made]):.1%}" if made[0][part] else ""

        counts = (f"{np.mean([network[name] for network in made]):.0f}" for name in ("sources", "films"))
        cells = [*counts, str(len(made)), *(mean("in_domain", name) for name in TITLES)]
        lines.append(f"| {' | '.join([*cells, mean('out_of_domain', 'accuracy')])} |")
    cells = []
    for name in TITLES:
        found = document["expected"][name]
        low, high = found["interval_95"]["at_tenfold"]
        cells.append(f"{found['at_tenfold']:.1%} ({100 * low:.1f} to {100 * high:.1f})")
    lines.append(f"| {document['expected']['sources']:.0f}, expected | | | {' | '.join(cells)} | |")
    return "\n".join(lines) + "\n"
