"""The plot of an audit: every row a line of dots over what is tolerated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from speediness.evaluation.audit.report import (
    FLIPPED,
    HIGHEST,
    KEPT,
    MATCHED,
    MOVE,
    RISE,
    Audit,
    Measure,
    Row,
)
from speediness.plots import INK, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette; shapes and marks say the same, for whoever sees no colours.
PASSED_COLOUR, FAILED_COLOUR, TOLERATED_COLOUR = "#0072B2", "#D55E00", "#DCE6DF"
ROW_IN, HEAD_IN, WIDTH_IN = 0.31, 1.75, 12.5


def plot_audit(audit: Audit, out_png: Path) -> None:
    """Draw an audit; replaces the plot once it is whole.

    Left: how far each change moves the probability P of sped up, beside what playing twice as fast does to
    it. Middle: windows that change side. Right: videos whose order of 1x and 2x survives.

    Raises:
        OutputError: the plot cannot be written.
    """
    rows = audit.rows
    figure = new_figure(WIDTH_IN, HEAD_IN + ROW_IN * len(rows))
    moves, flips, orders = figure.subplots(1, 3, sharey=True, width_ratios=(1.6, 1, 1))
    _draw(moves, rows, (MOVE, HIGHEST, RISE), "how far P(sped up) moves")
    _draw(flips, rows, (FLIPPED,), "windows that change side")
    _draw(orders, rows, (KEPT, MATCHED), "videos: 2× still above 1×")
    moves.axvline(audit.speed_effect, color=INK, linewidth=1, linestyle="--")
    moves.annotate(
        "what playing 2× does",
        (audit.speed_effect, -0.75),
        xytext=(-4, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=8,
        color=INK,
    )
    moves.set_xlim(right=max(moves.get_xlim()[1], 1.15 * audit.speed_effect))
    flips.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    orders.set_xlim(-0.03, 1.3)
    orders.set_xticks([0, 0.5, 1], ["0", "half", "all"])
    marks = {True: "✓", False: "✗", None: "·"}
    moves.set_yticks(range(len(rows)), [f"{row.name}  {marks[row.passed]}" for row in rows])
    for label, row in zip(moves.get_yticklabels(), rows, strict=True):
        label.set_color(FAILED_COLOUR if row.passed is False else INK)
        label.set_fontweight("bold" if row.passed is False else "normal")
    moves.set_ylim(len(rows) - 0.4, -0.95)
    measured = [row for row in rows if row.passed is not None]
    figure.suptitle(
        f"{audit.network}: {sum(row.passed is True for row in rows)} of {len(measured)} checks pass  ·  "
        f"{len(audit.videos)} videos, {audit.windows} windows  ·  shaded: tolerated",
        x=0.01,
        ha="left",
        fontsize=13,
        parse_math=False,
    )
    save_figure(figure, out_png)


def _draw(axes: Axes, rows: Sequence[Row], names: Sequence[str], title: str) -> None:
    highest = 0.0
    for line, row in enumerate(rows):
        if line % 2:
            axes.axhspan(line - 0.5, line + 0.5, color=INK, alpha=0.03, linewidth=0)
        for measure in row.measures:
            if measure.name in names:
                highest = max(highest, _draw_measure(axes, line, measure))
    axes.set_xlim(-0.03 * highest, 1.25 * highest)
    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9.5, left=False)


def _draw_measure(axes: Axes, line: int, measure: Measure) -> float:
    """Draw one dot over its band; returns how far to the right either reaches."""
    # A video that stands still has nothing to move from: what counts is how far P is above 0.5.
    origin = 0.5 if measure.name == HIGHEST else 0.0
    value, limit = max(measure.value - origin, 0.0), measure.limit - origin
    low, high = (limit, 1.0) if measure.at_least else (0.0, limit)
    axes.barh(line, high - low, 0.72, left=low, color=TOLERATED_COLOUR, linewidth=0, zorder=1)
    colour, marker = (PASSED_COLOUR, "o") if measure.passed else (FAILED_COLOUR, "D")
    axes.plot(value, line, marker, color=colour, markersize=7, zorder=3, clip_on=False)
    text = measure.write(measure.value)
    if measure.name == HIGHEST:
        text = f"highest P {text}"
    axes.annotate(
        text,
        (value, line),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=colour,
        fontweight="normal" if measure.passed else "bold",
        zorder=4,
    )
    return float(np.max([value, limit, 1.0 if measure.at_least else 0.0]))
