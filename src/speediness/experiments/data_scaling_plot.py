"""Data scaling as a plot: what sources bring, and what clips do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from speediness.plots import INK, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours; every measure and share has a marker of its own too.
MEASURES = {
    "accuracy": ("windows", "#0072B2", "o"),
    "accuracy_clip": ("clips", "#009E73", "s"),
    "matched_pairs": ("matched pairs", "#CC79A7", "^"),
}
TITLES = {name: title for name, (title, _, _) in MEASURES.items()}
SHARES = ("#E69F00", "#56B4E9", "#0072B2")


def plot_scaling(document: dict[str, Any], out_png: Path) -> None:
    """Draw accuracy over sources, with the line drawn on, beside accuracy over clips seen.

    Args:
        document: of :func:`speediness.experiments.data_scaling.data_scaling`.
        out_png: where to write; replaced if it exists, and only once the plot is whole.

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
    for place, (name, (label, colour, marker)) in enumerate(MEASURES.items()):
        values = [network["in_domain"][name] for network in networks]
        axes.plot(sources, values, marker, color=colour, ms=6, alpha=0.8, label=label)
        places, line = np.array(found[name]["line"]).T
        for part, style in ((places <= most, "-"), (places >= most, "--")):
            axes.plot(places[part], line[part], color=colour, lw=1.5, ls=style)
        low, high = found[name]["interval_95"]["at_tenfold"]
        axes.vlines(tenfold * 1.06 ** (place - 1), low, high, color=colour, lw=1.5)  # beside one another
    _, colour, marker = MEASURES["accuracy"]
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
    for share, colour, marker in zip(shares, SHARES, "osD", strict=True):
        curves = [network["held_out"] for network in networks if network["share"] == share]
        clips = [look["clips"] for look in curves[0]]
        accuracy = [np.mean([curve[n]["accuracy"] for curve in curves]) for n in range(len(clips))]
        axes.plot(clips, accuracy, f"-{marker}", color=colour, ms=5, label=f"{share:.0%} of the sources")
    axes.margins(y=0.3)  # room for the legend
    axes.set_xlabel("clips seen in training")
    axes.set_title("held-out videos, windows, by clips", loc="left", fontsize=11)
