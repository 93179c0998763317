"""Prediction curves over time, natural and played at 2x (SpeedNet Fig. 4)."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from speediness.analysis.analyse import analyse
from speediness.plots import INK, new_figure, save_figure, sum_up
from speediness.results.curve import SpeedinessCurve
from speediness.runtime.network import Network

# Paper: v_3, 1.25^3 = 1.95 times. Here: exactly twice, as Table 1 has it.
FACTORS = (1.0, 2.0)
COLOURS = ("#0072B2", "#D55E00")  # Okabe and Ito's blue and red, for the paper's
PANEL_IN = (11.0, 2.1)


def prediction_curves(
    videos: Sequence[Path],
    network: Network,
    out_png: Path,
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Analyse videos at 1x and at 2x, on the product's own path, and draw 1 - P(natural) of both.

    The curve of 2x stands on the time axis of the video itself, as in the paper.

    Args:
        videos: that play at natural speed.
        network: scores them.
        out_png: where to write; one panel a video.
        progress: called with videos done, fractions included, and videos in all.

    Returns:
        ``films``: for each ``video``, ``duration_s``, mean score ``mean_1x`` and ``mean_2x``, the
        share of time ``ranked_right`` at which 2x scores above 1x, and the analysis' ``notes``.

    Raises:
        VideoError: a video cannot be read.
        OutputError: the plot cannot be written.
    """
    curves: list[SpeedinessCurve] = []
    for n, video in enumerate(videos):
        curves.append(
            analyse(
                video,
                network=network,
                factors=FACTORS,
                progress=lambda done, total, n=n: progress(n + done / max(total, done), len(videos)),
            )
        )
    width_in, height_in = PANEL_IN
    figure = new_figure(width_in, 0.6 + height_in * len(videos))
    panels = figure.subplots(len(videos), 1, squeeze=False)[:, 0]
    for axes, video, curve in zip(panels, videos, curves, strict=True):
        for score, factor, colour in zip(1 - curve.normal, FACTORS, COLOURS, strict=True):
            times_s, _, mean, _ = sum_up(curve.times_s, score)
            axes.plot(times_s, mean, color=colour, linewidth=1.6, label=f"played at {factor:g}×")
        axes.vlines(curve.cuts_s, 0, 1, INK, linewidth=0.6, alpha=0.5)
        axes.axhline(0.5, color=INK, linewidth=0.6, linestyle=":")
        axes.set(xlim=(0, curve.duration_s), ylim=(-0.02, 1.02))
        axes.set_yticks([0, 0.5, 1], ["0 natural", "0.5", "1 sped up"])
        axes.set_title(video.name, loc="left", fontsize=10, parse_math=False)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=INK, labelsize=9)
    panels[0].legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=10, borderpad=0
    )
    panels[-1].set_xlabel("time of the video (s)")
    figure.supylabel("speediness 1 − P(natural)", fontsize=10)
    save_figure(figure, out_png)
    return {
        "network": network.name,
        "films": [_described(*found) for found in zip(videos, curves, strict=True)],
    }


def _described(video: Path, curve: SpeedinessCurve) -> dict[str, Any]:
    at_1x, at_2x = 1 - curve.normal
    weight_F = curve.frame_lengths_s  # frames count by how long they are on screen
    return {
        "video": str(video),
        "duration_s": curve.duration_s,
        "mean_1x": float(np.average(at_1x, weights=weight_F)),
        "mean_2x": float(np.average(at_2x, weights=weight_F)),
        "ranked_right": float(np.average(at_2x > at_1x, weights=weight_F)),
        "notes": list(curve.notes),
    }
