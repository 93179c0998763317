"""The plot of a run: loss, share right in training, shares right on held-out sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from speediness.plots import new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette; every line also has a dash or a marker of its own.
SHARES = {
    "accuracy": ("#0072B2", "-o", "held out"),
    "accuracy_clip": ("#009E73", "-s", "held-out clips"),
    "matched_pairs": ("#CC79A7", "-^", "held-out matched pairs"),
    "same_film": ("#009E73", "-s", "held out: same video found"),
    "mean_flow": ("#D55E00", "--", "mean flow alone, same windows"),
}


def plot_training(rows: list[dict[str, Any]], out_png: Path) -> None:
    """Draw the rows of a ``metrics.jsonl``; replaces the plot once it is whole.

    Raises:
        OutputError: the plot cannot be written.
    """
    figure = new_figure(9.0, 6.5, dpi=110)
    above, below = figure.subplots(2, 1, sharex=True)
    trained = [row for row in rows if "validation" not in row]
    steps = [row["step"] for row in trained]
    above.plot(steps, [row["loss"] for row in trained], color="#222222", lw=1.3)
    above.set_ylabel("training loss")
    below.plot(steps, [row["accuracy"] for row in trained], color="#999999", lw=1, label="training clips")
    validated = [row for row in rows if "validation" in row]
    for name, (colour, style, label) in SHARES.items():
        points = [(row["step"], row["validation"][name]) for row in validated if name in row["validation"]]
        if points:
            below.plot(*zip(*points, strict=True), style, color=colour, ms=4, label=label)
    below.axhline(0.5, color="#999999", lw=0.8, ls=":")
    below.set_ylabel("share right")
    below.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    below.set_xlabel("step")
    for axes in (above, below):
        _finish(axes)
    save_figure(figure, out_png)


def _finish(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#DDDDDD", lw=0.5)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
