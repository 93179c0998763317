"""Does 0.9 mean nine in ten? Predicted against observed share of sped-up windows."""

# W windows, N bins, R sources, D resamples

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from speediness.plots import INK, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 10
DRAWS = 400


def reliability(
    probability: ArrayLike, sped_up: ArrayLike, source: Sequence[str], bins: int = BINS
) -> dict[str, Any]:
    """Sort windows by the predicted probability and count how many were in fact sped up.

    Args:
        probability: (W,) P(sped up), 0..1.
        sped_up: (W,) whether the window was.
        source: (W,) of each window; whole sources are resampled, since windows of one are alike.
        bins: equal parts of 0..1.

    Returns:
        ``bins``, those with windows in them: ``low`` and ``high`` edge, ``windows``, mean
        ``predicted`` probability, ``observed`` share of sped up and its ``interval_95``, which is
        all of 0..1 where a single source fills the bin. ``expected_calibration_error``: mean
        distance of the two over all windows (Naeini et al. 2015), with ``error_interval_95``.
    """
    probability_W = np.asarray(probability, np.float64)
    bin_W = np.minimum((probability_W * bins).astype(np.int64), bins - 1)
    names, source_W = np.unique(np.asarray(source), return_inverse=True)
    # (R, N): what each source puts into each bin.
    count, predicted, observed = (
        np.bincount(source_W * bins + bin_W, weight_W, len(names) * bins).reshape(-1, bins)
        for weight_W in (np.ones_like(probability_W), probability_W, np.asarray(sped_up, np.float64))
    )
    rng = np.random.default_rng(0)
    times_drawn_DR = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)
    drawn_DN = times_drawn_DR @ count
    with np.errstate(invalid="ignore"):  # a draw may leave a bin empty: 0 / 0, which nanquantile skips
        share_DN = (times_drawn_DR @ observed) / drawn_DN
    error_D = np.abs(times_drawn_DR @ (observed - predicted)).sum(1) / drawn_DN.sum(1)

    def described(n: int) -> dict[str, Any]:
        windows = count[:, n].sum()
        single = np.count_nonzero(count[:, n]) == 1
        return {
            "low": n / bins,
            "high": (n + 1) / bins,
            "windows": int(windows),
            "predicted": float(predicted[:, n].sum() / windows),
            "observed": float(observed[:, n].sum() / windows),
            "interval_95": (0.0, 1.0) if single else _interval(share_DN[:, n]),
        }

    return {
        "bins": [described(n) for n in range(bins) if count[:, n].any()],
        "expected_calibration_error": float(np.abs((observed - predicted).sum(0)).sum() / count.sum()),
        "error_interval_95": _interval(error_D),
    }


def _interval(values_D: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.nanquantile(values_D, (0.025, 0.975))
    return float(low), float(high)


NETWORK_COLOUR, FLOW_COLOUR = "#0072B2", "#E69F00"  # Okabe and Ito
MOST_SOURCES = 24  # bars that can still be read


def plot_reliability(report: dict[str, Any], out_png: Path) -> None:
    """Draw a report of ``evaluate_speed``; replaces the plot once it is whole.

    Left: the share of windows that were sped up against the predicted probability, with 95 % intervals
    over sources; below it how many windows each bin holds. Right: the accuracy of single windows, source
    by source, beside that of the mean-flow rule.

    Raises:
        OutputError: the plot cannot be written.
    """
    figure = new_figure(12, 6.2)
    grid = figure.add_gridspec(2, 2, height_ratios=(4, 1), width_ratios=(1, 1.15))
    diagram = figure.add_subplot(grid[0, 0])
    _draw_diagram(diagram, report["reliability"])
    _draw_counts(figure.add_subplot(grid[1, 0], sharex=diagram), report["reliability"])
    _draw_sources(figure.add_subplot(grid[:, 1]), report)
    figure.suptitle(
        f"{report['network']}: {report['films']} videos, {report['windows']} windows at 1× and 2×",
        x=0.01,
        ha="left",
        fontsize=13,
        parse_math=False,
    )
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=INK, labelsize=9)
    save_figure(figure, out_png)


def _draw_diagram(axes: Axes, reliability: dict[str, Any]) -> None:
    bins = reliability["bins"]
    predicted, observed = ([b[name] for b in bins] for name in ("predicted", "observed"))
    low, high = np.array([b["interval_95"] for b in bins]).T
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle="--", label="as predicted")
    axes.vlines(predicted, low, high, color=NETWORK_COLOUR, linewidth=2, alpha=0.4)
    # A dot's area is the number of its windows: a bin of one window is no evidence.
    windows = np.array([b["windows"] for b in bins])
    axes.scatter(
        predicted,
        observed,
        12 + 240 * windows / windows.max(),
        color=NETWORK_COLOUR,
        zorder=3,
        clip_on=False,
        label="observed; area: windows, line: 95 % interval",
    )
    axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="share that was sped up")
    axes.tick_params(labelbottom=False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9, borderpad=0)
    error, (least, most) = reliability["expected_calibration_error"], reliability["error_interval_95"]
    axes.set_title(
        f"Does P mean P?  calibration error {error:.1%} ({least:.1%} to {most:.1%})",
        loc="left",
        fontsize=11,
        pad=26,
    )


def _draw_counts(axes: Axes, reliability: dict[str, Any]) -> None:
    for b in reliability["bins"]:
        middle, width = (b["low"] + b["high"]) / 2, 0.94 * (b["high"] - b["low"])
        axes.bar(middle, b["windows"], width, color=NETWORK_COLOUR, alpha=0.35)
        axes.text(middle, b["windows"], f"{b['windows']}", ha="center", va="bottom", fontsize=8, color=INK)
    axes.margins(y=0.25)
    axes.set(xlabel="predicted P(sped up)", ylabel="windows", xlim=(0, 1))


def _draw_sources(axes: Axes, report: dict[str, Any]) -> None:
    sources = sorted(report["per_source"].items(), key=lambda entry: -entry[1]["films"])[:MOST_SOURCES]
    sources.sort(key=lambda entry: entry[1]["accuracy"])
    rows = np.arange(len(sources))
    network, flow = ([figures[name] for _, figures in sources] for name in ("accuracy", "mean_flow"))
    bars = axes.barh(rows, network, 0.7, color=NETWORK_COLOUR, label=f"network {report['accuracy']:.1%}")
    (diamonds,) = axes.plot(
        flow,
        rows,
        linestyle="",
        marker="D",
        markersize=6,
        color=FLOW_COLOUR,
        markeredgecolor=INK,
        label=f"mean flow {report['mean_flow']:.1%}",
    )
    chance = axes.axvline(0.5, color=INK, linewidth=0.8, linestyle="--", label="chance")
    for row, share in enumerate(network):
        axes.text(0.01, row, f"{share:.0%}", va="center", fontsize=8, color="white")
    axes.set_yticks(rows, [_label(name, figures["films"]) for name, figures in sources], parse_math=False)
    axes.set(xlim=(0, 1), ylim=(-0.6, len(sources) - 0.4), xlabel="single windows right")
    left_out = len(report["per_source"]) - len(sources)
    largest = (
        f"the {len(sources)} largest of {len(report['per_source'])} sources" if left_out else "each source"
    )
    axes.set_title(f"Accuracy on {largest} (videos)", loc="left", fontsize=11, pad=26)
    axes.legend(
        handles=[bars, diamonds, chance],
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=3,
        columnspacing=1.2,
        frameon=False,
        fontsize=9,
        borderpad=0,
    )


def _label(source: str, videos: int) -> str:
    short = source if len(source) <= 34 else f"{source[:20]}…{source[-13:]}"
    return f"{short} ({videos})"
