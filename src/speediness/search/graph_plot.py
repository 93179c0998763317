"""Plot of a search: similarity over the video, the finds marked."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from speediness.plots import PALETTES, colours, new_figure, save_figure, sum_up, time_axis
from speediness.search.hits import Hit
from speediness.search.within import LEAST, Graph

SIZE_IN = (11.0, 3.4)


def plot_graph(
    graph: Graph,
    hits: Sequence[Hit],
    duration_s: float,
    out: Path,
    query_s: tuple[float, float] | None = None,
) -> None:
    """Draw how similar each stretch of a video is, at its middle; replaces ``out`` once the plot is whole.

    It is a PNG or SVG by its suffix. Hits are marked by their places, the best first, and so is the
    stretch asked for, if it is of this video.

    Raises:
        OutputError: the plot cannot be written.
    """
    import matplotlib

    palette = PALETTES["light"]
    with matplotlib.rc_context(colours(palette)):
        figure = new_figure(*SIZE_IN)
        axes = figure.subplots()
        if query_s is not None:
            axes.axvspan(*query_s, color=palette.limit, alpha=0.35, linewidth=0, label="query")
        for shot in _shots(graph):
            middles_s = graph.starts_s[shot] + graph.length_s / 2
            times_s, low, mean, high = sum_up(middles_s, graph.similarity[shot])
            axes.plot(times_s, mean, color=palette.ink, linewidth=1.2)
            axes.fill_between(times_s, low, high, color=palette.ink, alpha=0.25, linewidth=0)
        for place, hit in enumerate(hits, 1):
            at = ((hit.start_s + hit.end_s) / 2, hit.similarity)
            axes.plot(*at, "o", color=palette.plan, markersize=5, label="found" if place == 1 else None)
            axes.annotate(
                str(place),
                at,
                (0, 6),
                textcoords="offset points",
                ha="center",
                color=palette.plan,
                fontsize=9,
            )
        axes.axhline(LEAST, color=palette.ink, linewidth=0.6, linestyle=":")
        axes.set_ylim(min(-0.5, float(graph.similarity.min(initial=0)) - 0.05), 1.18)
        axes.set_ylabel("similarity of motion", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=9)
        time_axis(axes, max(duration_s, 1e-3))
        save_figure(figure, out)


def _shots(graph: Graph) -> list[slice]:
    """Runs of starts one step apart: stretches across a cut were not compared."""
    breaks = np.flatnonzero(np.diff(graph.starts_s) > 0.1) + 1
    bounds = [0, *breaks.tolist(), len(graph.starts_s)]
    return [slice(a, b) for a, b in pairwise(bounds) if b > a]
