"""SpeedNet Table 1: is it speed that was learned, or a shortcut?

Every row is trained on the same videos and tested the same way (§5.1): evenly at 1x and 2x, centre
crop, single windows. Beside that stands what each says of held-out videos sampled as in its own
training, since an accuracy that is high there and low under even sampling was a shortcut.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from speediness.evaluation.speed_accuracy import VideoScores, report, window_accuracy
from speediness.experiments.ablation import ROWS, Row
from speediness.experiments.row_run import Log, RowResult, VideoSplits, make_row
from speediness.plots import INK, new_figure, save_figure
from speediness.progress import clock
from speediness.results.documents import markdown_table, write_json, write_text
from speediness.training.recipe import Recipe
from speediness.version import __version__

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCHEMA = "speediness.table1/1"
RULE, RULE_OF = "mean flow rule", "ours"
"""The plain rule, and the row whose flow it takes."""
MEASURES = ("accuracy", "accuracy_clip", "pairs_ranked", "matched_pairs")
NOTES = (
    "in domain, out of domain: single windows at exactly 1x and 2x, centre crop (SpeedNet §5.1), scores"
    " centred by the bias that suits videos trained on and held out best",
    "own sampling: held-out sources, clips drawn as in the row's own training, not centred",
    "rule: the mean flow of the window is above a threshold fitted on the videos trained on",
    "intervals: 95 %, resampling whole sources",
    "paper: trained on 246 000 videos; Kinetics is its domain, NFS is not",
)


def table1(base: Recipe, videos: VideoSplits, out: Path, seeds: int, log: Log) -> dict[str, Any]:
    """Train and test every row; what ``out`` already holds is not trained again.

    Args:
        base: recipe of our row; the others take away or exchange, see :meth:`Row.recipe`.
        videos: to train and test on.
        out: folder; a folder a row and seed, ``table1.json`` and ``.md``, which are rewritten
            whenever a row is done, and ``table1.png``.
        seeds: networks a row, of seeds 0 to ``seeds - 1``; accuracies are their means.
        log: receives one line at a time.

    Returns:
        The document in ``table1.json``: ``rows``, ``notes``, ``films`` and ``made_by``.

    Raises:
        DataError: ``out`` holds rows of another recipe or of other videos; too few videos.
        OutputError: ``out`` cannot be written.
    """
    results: dict[str, list[RowResult]] = {row.name: [] for row in ROWS}
    described: dict[str, dict[str, Any]] = {}
    jobs = [(seed, row) for seed in range(seeds) for row in ROWS]
    document = _document(base, videos, [], set())
    for left, (seed, row) in zip(reversed(range(len(jobs))), jobs, strict=True):
        log(f"{row.title}, seed {seed}: row {len(jobs) - left} of {len(jobs)}")
        folder = out / row.name / f"seed-{seed}"
        result = make_row(row, row.recipe(base, seed), videos, folder, out / "cache", log)
        results[row.name].append(result)
        described[row.name] = _summary(row, results[row.name])
        if row.name == RULE_OF and seed == 0:
            described[RULE] = _rule(result)
        rows = [described[name] for name in (*results, RULE) if name in described]
        left_out = {line for made in results.values() for result in made for line in result.left_out}
        document = _document(base, videos, rows, left_out)
        _write(document, out)
        if left:
            # Mean flow takes far less than a network: the longest row so far is the measure.
            longest_s = max(made.seconds for row_results in results.values() for made in row_results)
            log(f"rows left: {left}, {clock(longest_s * left)} or less")
    plot_table(document, out / "table1.png")
    return document


def _document(
    base: Recipe, videos: VideoSplits, rows: list[dict[str, Any]], left_out: set[str]
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "made_by": {"speediness": __version__, "recipe": base.to_json()},
        "films": {part: len(items) for part, items in vars(videos).items()},
        "left_out": sorted(left_out),
        "rows": rows,
        "notes": list(NOTES),
    }


def _summary(row: Row, results: list[RowResult]) -> dict[str, Any]:
    """One row, all its seeds together."""
    right = {source: np.sum([result.own[source] for result in results], 0) for source in results[0].own}
    return {
        "name": row.name,
        "title": row.title,
        "seeds": len(results),
        "same_batch": row.same_batch,
        "temporal": row.temporal,
        "spatial": row.spatial,
        "seconds": [round(result.seconds) for result in results],
        "own_sampling": _share(np.array(list(right.values()), np.float64)),
        "in_domain": _figures([result.test for result in results]),
        "out_of_domain": _figures([result.ood for result in results]),
        "paper": None if row.kinetics is None else {"in_domain": row.kinetics, "out_of_domain": row.nfs},
    }


def _figures(by_seed: list[list[VideoScores]]) -> dict[str, Any] | None:
    """Figures of all seeds together: intervals resample sources, a source with all its seeds."""
    if not by_seed[0]:
        return None
    # The threshold plays no part in the measures that are kept.
    whole = report([video for scores in by_seed for video in scores], flow_threshold=0.0)
    return {
        **{name: whole[name] for name in MEASURES},
        "interval_95": {name: whole["interval_95"][name] for name in MEASURES},
        "accuracy_by_seed": [window_accuracy(scores) for scores in by_seed],
        "films": whole["films"] // len(by_seed),
        "windows": whole["windows"] // len(by_seed),
    }


def _rule(result: RowResult) -> dict[str, Any]:
    """The plain rule, whose flow and threshold no seed changes."""

    def figures(scores: list[VideoScores]) -> dict[str, Any] | None:
        if not scores:
            return None
        whole = report(scores, result.flow_threshold)
        return {
            "accuracy": whole["mean_flow"],
            "matched_pairs": whole["mean_flow_matched_pairs"],
            "interval_95": {
                "accuracy": whole["interval_95"]["mean_flow"],
                "matched_pairs": whole["interval_95"]["mean_flow_matched_pairs"],
            },
        }

    return {
        "title": RULE,
        "threshold_px": result.flow_threshold,
        "own_sampling": None,
        "in_domain": figures(result.test),
        "out_of_domain": figures(result.ood),
        "paper": None,
    }


def _share(right_and_all_R2: np.ndarray) -> dict[str, Any]:
    """Share of right clips; the interval comes from resampling sources."""
    rng = np.random.default_rng(0)
    draws = rng.integers(len(right_and_all_R2), size=(400, len(right_and_all_R2)))
    right, clips = right_and_all_R2[draws].sum(1).T
    low, high = np.quantile(right / clips, (0.025, 0.975))
    right, clips = right_and_all_R2.sum(0)
    return {"accuracy": float(right / clips), "interval_95": {"accuracy": (float(low), float(high))}}


def table(document: dict[str, Any]) -> list[list[str]]:
    """The head, then a row a network: accuracy of single windows, with 95 % intervals over sources."""
    measured = ("own sampling, held out", "in domain", "out of domain", "gap")
    rows = [["", *measured, "paper: Kinetics", "paper: NFS"]]
    for row in document["rows"]:
        paper = row["paper"] or {"in_domain": None, "out_of_domain": None}
        cells = (with_interval(row[part]) for part in ("own_sampling", "in_domain", "out_of_domain"))
        papers = (f"{share:.1%}" if share else "" for share in paper.values())
        rows.append([row["title"], *cells, gap(row), *papers])
    return rows


def markdown(document: dict[str, Any]) -> str:
    """The table for a model card."""
    return markdown_table(table(document)) + "\n" + "".join(f"- {note}\n" for note in document["notes"])


def with_interval(figures: dict[str, Any] | None) -> str:
    """An accuracy as ``63.4% (60.4 to 66.8)``; nothing where it was not measured."""
    if figures is None:
        return ""
    low, high = figures["interval_95"]["accuracy"]
    return f"{figures['accuracy']:.1%} ({100 * low:.1f} to {100 * high:.1f})"


def gap(row: dict[str, Any]) -> str:
    """In domain less out of domain, in points; a large one is the sign of a shortcut (§5.1)."""
    if row["out_of_domain"] is None:
        return ""
    return f"{100 * (row['in_domain']['accuracy'] - row['out_of_domain']['accuracy']):+.1f}"


def _write(document: dict[str, Any], out: Path) -> None:
    write_json(out / "table1.json", document)
    write_text(out / "table1.md", markdown(document))


# Okabe and Ito's colours; the three differ in lightness too.
PARTS = {
    "own_sampling": ("sampled as in its training, held out", "#BBBBBB"),
    "in_domain": ("in domain, evenly sampled", "#0072B2"),
    "out_of_domain": ("out of domain, evenly sampled", "#E69F00"),
}
HEIGHT = 0.26  # of a bar, where rows lie 1 apart


def plot_table(document: dict[str, Any], out_png: Path) -> None:
    """Draw bars with 95 % intervals and the paper's accuracies; replaces a plot when whole.

    Raises:
        OutputError: the plot cannot be written.
    """
    rows = document["rows"]
    figure = new_figure(11, 1.5 + 0.85 * len(rows))
    axes = figure.subplots()
    for place, (part, (label, colour)) in enumerate(PARTS.items()):
        _draw_part(axes, rows, part, label, colour, (place - 1) * HEIGHT)
    axes.axvline(0.5, color=INK, linewidth=0.8, linestyle="--")
    axes.text(0.5, -0.62, "chance", ha="center", va="bottom", fontsize=9, color=INK)
    axes.set_yticks(range(len(rows)), [row["title"] for row in rows])
    axes.set(xlim=(0.35, 1.0), ylim=(len(rows) - 0.4, -0.6))
    axes.set_xticks(np.arange(0.4, 1.01, 0.1), [f"{share:.0%}" for share in np.arange(0.4, 1.01, 0.1)])
    axes.set_xlabel("single windows right, 95 % interval over sources")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(colors=INK, labelsize=10)
    axes.legend(
        loc="lower right", bbox_to_anchor=(1, 1.02), ncols=2, frameon=False, fontsize=9, borderpad=0
    )
    axes.set_title("SpeedNet Table 1", loc="left", fontsize=13, pad=30)
    save_figure(figure, out_png)


def _draw_part(
    axes: Axes, rows: list[dict[str, Any]], part: str, label: str, colour: str, offset: float
) -> None:
    measured = [(n, row[part]) for n, row in enumerate(rows) if row[part]]
    if not measured:
        return
    places = np.array([n for n, _ in measured]) + offset
    shares = np.array([figures["accuracy"] for _, figures in measured])
    intervals = np.array([figures["interval_95"]["accuracy"] for _, figures in measured])
    axes.barh(places, shares, 0.9 * HEIGHT, color=colour, label=label)
    axes.hlines(places, intervals[:, 0], intervals[:, 1], color=INK, linewidth=1.2)
    for place, share, (_, high) in zip(places.tolist(), shares.tolist(), intervals.tolist(), strict=True):
        axes.text(max(share, high) + 0.006, place, f"{share:.1%}", va="center", fontsize=8.5, color=INK)
    paper = [
        (n + offset, row["paper"][part])
        for n, row in enumerate(rows)
        if row["paper"] and part in row["paper"]
    ]
    axes.plot(
        [share for _, share in paper],
        [place for place, _ in paper],
        linestyle="",
        marker="D",
        markersize=6,
        color="white",
        markeredgecolor=INK,
        label="paper (Kinetics, NFS)" if part == "in_domain" else None,
    )
