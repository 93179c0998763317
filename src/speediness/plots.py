"""One picture of a film's speed, in the manner of SpeedNet Fig. 5."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from speediness.curves import Floats, Label, SpeedinessCurve
from speediness.errors import OutputError
from speediness.progress import clock
from speediness.speed_plan import SpeedPlan

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# Okabe and Ito's palette: told apart under every common kind of colour blindness, and in grey.
BAND_COLOURS: dict[Label, str] = {"natural": "#DCE6DF", "sped_up": "#F2B48A", "slow_motion": "#9CCBEB"}
LABEL_WORDS: dict[Label, str] = {"natural": "natural", "sped_up": "sped up", "slow_motion": "slow motion"}
INK, LIMIT_COLOUR, PLAN_COLOUR, RATE_COLOUR = "#222222", "#6E7B74", "#AA3377", "#222222"

SIZE_IN, DPI = (11.0, 5.6), 130
COLUMNS = 600  # a longer film is summed up in this many columns, two pixels each
MOST_CUTS = 60  # more than these would hide the curves: they become ticks at the foot
TIME_STEPS_S = (
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
)


def plot_curve(curve: SpeedinessCurve, out_png: Path, plan: SpeedPlan | None = None) -> None:
    """Draw a curve, and the plan made from it if there is one.

    Above: the speediness score 1 - P_v0(t) (SpeedNet §5.1.1) over the labelled segments. Below:
    V(t), the fastest factor still judged natural (§4.1), with S*(t) (§4.2) and the uniform rate
    it replaces. Cuts are thin lines across both.

    Args:
        curve: 1 to any number of frames; long films are thinned with every peak kept.
        out_png: where to write; replaced if it exists, and only once the picture is whole.
        plan: a plan of the same film.

    Raises:
        OutputError: the picture cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_IN, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.0, 1.0))
    end_s = max(curve.duration_s, float(curve.times_s[-1]), 1e-3)
    _title(figure, curve)
    _draw_score(above, curve, end_s)
    _draw_speeds(below, curve, plan, end_s)
    cut_top = 1.0 if len(curve.cuts_s) <= MOST_CUTS else 0.05
    for axes in (above, below):
        axes.vlines(
            curve.cuts_s, 0, cut_top, INK, linewidth=0.6, alpha=0.5, transform=axes.get_xaxis_transform()
        )
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=INK, labelsize=9)
    figure.align_ylabels()
    _time_axis(below, end_s)
    save_figure(figure, out_png)


def sum_up(times_s: Floats, values: NDArray[np.floating]) -> tuple[Floats, Floats, Floats, Floats]:
    """Times, lowest, mean and highest values: as they are, or of COLUMNS stretches of a long film.

    The lowest and highest keep every peak, however long the film.
    """
    if len(times_s) <= 10 * COLUMNS:
        values = values.astype(np.float64)
        return times_s, values, values, values
    starts = np.linspace(0, len(times_s), COLUMNS, endpoint=False).astype(np.int64)
    counts = np.diff(starts, append=len(times_s))
    mean = np.add.reduceat(values.astype(np.float64), starts) / counts
    return times_s[starts], np.minimum.reduceat(values, starts), mean, np.maximum.reduceat(values, starts)


def _title(figure: Figure, curve: SpeedinessCurve) -> None:
    name = Path(str(curve.made_by.get("video", "film"))).name
    name = name.encode("utf-8", "backslashreplace").decode()  # names that are not text still print
    if len(name) > 70:
        name = f"{name[:45]}…{name[-24:]}"
    # A file name is not a formula, whatever dollars it holds.
    figure.suptitle(
        f"{name}  ·  {clock(curve.duration_s)}", x=0.01, ha="left", fontsize=13, parse_math=False
    )
    if curve.notes:
        notes = "  ·  ".join(curve.notes)
        shown = notes if len(notes) <= 100 else f"{notes[:99]}…"
        figure.axes[0].text(
            0, 1.13, shown, fontsize=9, color=INK, parse_math=False, transform=figure.axes[0].transAxes
        )


def _draw_score(axes: Axes, curve: SpeedinessCurve, end_s: float) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    legend: list[Artist] = []
    for label, colour in BAND_COLOURS.items():
        spans = [(s.start_s, s.end_s - s.start_s) for s in curve.segments if s.label == label]
        if spans:
            axes.broken_barh(spans, (0, 1), facecolor=colour, linewidth=0, zorder=0)
            share = sum(width for _, width in spans) / end_s
            legend.append(Patch(color=colour, label=f"{LABEL_WORDS[label]} {share:.0%}"))
    for segment in curve.segments:
        width_s = segment.end_s - segment.start_s
        if segment.label != "natural" and width_s > 0.04 * end_s:
            middle_s = (segment.start_s + segment.end_s) / 2
            axes.text(middle_s, 1.03, f"≈ {segment.factor:.2g}×", ha="center", fontsize=9, color=INK)
    legend.append(
        _draw_line(axes, curve.times_s, curve.sped_up, end_s, color=INK, linewidth=1.3, label="score")
    )
    if curve.cuts_s:
        legend.append(Line2D([], [], color=INK, linewidth=0.6, alpha=0.5, label="cut"))
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1], ["0 natural", "0.5", "1 sped up"])
    axes.axhline(0.5, color=INK, linewidth=0.6, linestyle=":")
    axes.set_ylabel("speediness\n1 − P(natural)", fontsize=10)
    axes.legend(
        handles=legend,
        loc="lower right",
        bbox_to_anchor=(1, 1.07),
        ncols=5,
        frameon=False,
        fontsize=9,
        borderpad=0,
    )


def _draw_speeds(axes: Axes, curve: SpeedinessCurve, plan: SpeedPlan | None, end_s: float) -> None:
    rho = 0.5 if plan is None or plan.rho is None else plan.rho
    limit = curve.limit(rho)
    low, high = 1.0, max(2.0, float(limit.max()))
    if plan is not None:
        low, high = min(low, float(plan.factor.min())), max(high, float(plan.factor.max()), plan.rate)
    low, high = low / 1.15, high * 1.15
    line = _draw_line(
        axes,
        curve.times_s,
        limit,
        end_s,
        color=LIMIT_COLOUR,
        drawstyle="steps-post",  # a limit holds until the next frame
        linewidth=1.0,
        label=f"V(t): fastest with P(natural) ≥ {rho:g}",
    )
    axes.fill_between(*line.get_data(), low, color=LIMIT_COLOUR, alpha=0.22, linewidth=0, step="post")
    if plan is not None:
        axes.axhline(
            plan.rate, color=RATE_COLOUR, linewidth=1, linestyle="--", label=f"uniform {plan.rate:g}×"
        )
        _draw_line(
            axes,
            plan.times_s,
            plan.factor,
            end_s,
            color=PLAN_COLOUR,
            linewidth=2,
            label=f"S*(t): plan, {clock(plan.output_duration_s)} in all",
        )
    axes.set_yscale("log", base=2)
    axes.set_ylim(low, high)
    ticks = [tick for tick in (0.125, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16) if low <= tick <= high]
    axes.set_yticks(ticks, [f"{tick:g}×" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="y", color=INK, alpha=0.12, linewidth=0.6)
    axes.set_ylabel("playback speed", fontsize=10)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1.0), ncols=3, frameon=False, fontsize=9, borderpad=0)


def _draw_line(
    axes: Axes, times_s: Floats, values: NDArray[np.floating], end_s: float, **style: Any
) -> Line2D:
    """A curve over the whole film, its last value held to the end; of a long film also its spread."""
    times_s, low, mean, high = (
        np.append(part, last)
        for part, last in zip(
            sum_up(times_s, values), (end_s, values[-1], values[-1], values[-1]), strict=True
        )
    )
    (line,) = axes.plot(times_s, mean, **style)
    axes.fill_between(times_s, low, high, color=style["color"], alpha=0.25, linewidth=0, step="post")
    return line


def _time_axis(axes: Axes, end_s: float) -> None:
    step_s = next((step for step in TIME_STEPS_S if end_s / step <= 12), end_s / 10)
    ticks = np.arange(0, end_s + step_s / 1000, step_s)
    axes.set_xlim(0, end_s)
    if end_s <= 120:
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xlabel("time (s)", fontsize=10)
    else:
        axes.set_xticks(ticks, [_stamp(tick, with_hours=end_s >= 3600) for tick in ticks])
        axes.set_xlabel("time (h:min:s)" if end_s >= 3600 else "time (min:s)", fontsize=10)


def _stamp(seconds: float, *, with_hours: bool) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_of_hour = divmod(minutes, 60)
    return f"{hours}:{minutes_of_hour:02d}:{rest:02d}" if with_hours else f"{minutes}:{rest:02d}"


def save_figure(figure: Figure, out_png: Path) -> None:
    """Write a picture beside its final name, then rename.

    Raises:
        OutputError: the picture cannot be written; nothing is left of it.
    """
    partial = out_png.with_name(out_png.name + ".partial")
    metadata: dict[str, Any] = {"Software": "speediness"}
    try:
        with warnings.catch_warnings():
            # A title in a script that the font lacks shows boxes; that is no news for the user.
            warnings.filterwarnings("ignore", "Glyph .* missing")
            figure.savefig(partial, format="png", metadata=metadata)
        os.replace(partial, out_png)
    except OSError as error:
        raise OutputError(
            f"cannot write {out_png}: {error.strerror}; choose another folder with -o"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
