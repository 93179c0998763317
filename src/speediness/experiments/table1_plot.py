"""Table 1 as bars: in and out of the domain, beside the paper's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from speediness.plots import INK, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours; the three differ in lightness too.
PARTS = {
    "own_sampling": ("sampled as in its training, held out", "#BBBBBB"),
    "in_domain": ("in domain, evenly sampled", "#0072B2"),
    "out_of_domain": ("out of domain, evenly sampled", "#E69F00"),
}
HEIGHT = 0.26  # of a bar, where rows lie 1 apart


def plot_table(document: dict[str, Any], out_png: Path) -> None:
    """Draw a group of bars a row, with 95 % intervals and the paper's accuracies.

    Args:
        document: of :func:`speediness.experiments.table1.table1`.
        out_png: where to write; replaced if it exists, and only once the plot is whole.

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
