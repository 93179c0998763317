"""One plot of a video's speed, in the manner of SpeedNet Fig. 5."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from speediness.progress import clock, stamp
from speediness.results.curve import LABELS, Float64s, Label, SpeedinessCurve
from speediness.results.documents import written_whole
from speediness.results.plan import SpeedPlan

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from speediness.video.thumbnails import Thumbnail

Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Palette:
    """Colours of a plot."""

    paper: str
    ink: str
    limit: str
    plan: str
    bands: dict[Label, str]


# Bands after Okabe and Ito: told apart under every common kind of colour blindness. Dark is the page's.
PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        paper="#FFFFFF",
        ink="#222222",
        limit="#6E7B74",
        plan="#AA3377",
        bands={"natural": "#DCE6DF", "sped_up": "#F2B48A", "slow_motion": "#9CCBEB", "not_sure": "#DDD9E2"},
    ),
    "dark": Palette(
        paper="#161517",
        ink="#ECEAE7",
        limit="#9FB0A7",
        plan="#E58CBF",
        bands={"natural": "#2B3A31", "sped_up": "#7D4A24", "slow_motion": "#24587A", "not_sure": "#4A4654"},
    ),
}
LABEL_WORDS: dict[Label, str] = {label: label.replace("_", " ") for label in LABELS}
INK = PALETTES["light"].ink

SIZE_IN, DPI = (11.0, 5.6), 130
THUMBNAIL_IN = (1.16, 0.66)  # width and height of a thumbnail at most
POINTER_IN = 0.12  # line from a thumbnail to its moment
MOST_THUMBNAILS = 12
ROW_IN = 9.6  # width of the panels at least
COLUMNS = 600  # a longer video is summed up in this many columns, two pixels each
MOST_CUTS = 60  # more than these would hide the curves: they become ticks at the foot
TIME_STEPS_S = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800, 3600, 7200),
)


def plot_curve(
    curve: SpeedinessCurve,
    out: Path,
    plan: SpeedPlan | None = None,
    *,
    video: Path | None = None,
    theme: Theme = "light",
) -> None:
    """Draw a curve, and the plan made from it if there is one.

    Above: the speediness score 1 - P_v0(t) (SpeedNet §5.1.1) over the labelled segments; with a plan
    also 1 - V^(t), the paper's speediness curve (Fig. 5). Between: the video itself; each image stands for
    the stretch around it, a line points to its moment.
    Below: V(t), the factor up to which all are scored as natural (§4.1), with S*(t) (§4.2) and the uniform
    rate it replaces. Cuts are thin lines across both.

    Args:
        curve: 1 to any number of frames; long videos are thinned with every peak kept.
        out: where to write, an SVG if it ends so, else a PNG; replaced if it exists, and only once
            the plot is whole.
        plan: a plan of the same video.
        video: where the images between come from; without it, or if it cannot be read, or only at
            great length, there are none.
        theme: dark ink on light paper or the other way round.

    Raises:
        OutputError: the plot cannot be written.
    """
    import matplotlib

    palette = PALETTES[theme]
    end_s = max(curve.duration_s, float(curve.times_s[-1]), 1e-3)
    row = [] if video is None else _thumbnails(video, end_s, len(curve.times_s))
    row_in = row[0].pixels_HWC.shape[0] / DPI + POINTER_IN if row else 0.0
    width_in, height_in = SIZE_IN
    with matplotlib.rc_context(colours(palette)):
        figure = new_figure(width_in, height_in + row_in)
        if row:
            heights = (height_in / 2 - 0.7, row_in, height_in / 2 - 0.7)
            above, between, below = figure.subplots(3, 1, sharex=True, height_ratios=heights)
            _draw_row(between, row, end_s, row_in, palette)
        else:
            above, below = figure.subplots(2, 1, sharex=True)
        _title(figure, curve)
        draw_score(above, curve, end_s, palette, plan)
        _draw_speeds(below, curve, plan, end_s, palette)
        cut_top = 1.0 if len(curve.cuts_s) <= MOST_CUTS else 0.05
        for axes in (above, below):
            axes.vlines(
                curve.cuts_s,
                0,
                cut_top,
                palette.ink,
                linewidth=0.6,
                alpha=0.5,
                transform=axes.get_xaxis_transform(),
            )
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=9)
        figure.align_ylabels()
        time_axis(below, end_s)
        save_figure(figure, out)


def colours(palette: Palette) -> dict[Any, str]:
    """Matplotlib's settings for all that is not coloured one by one."""
    paper = ("figure.facecolor", "axes.facecolor")
    ink = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    return dict.fromkeys(paper, palette.paper) | dict.fromkeys(ink, palette.ink)


def _thumbnails(video: Path, end_s: float, most: int) -> list[Thumbnail]:
    from speediness.video.reader import VideoReader
    from speediness.video.thumbnails import thumbnails

    widest_in, highest_in = THUMBNAIL_IN
    try:
        reader = VideoReader(video)
        aspect = reader.info.width_px / reader.info.height_px
        width_in = min(widest_in, highest_in * aspect)
        most = min(int(ROW_IN / (width_in + 0.04)), MOST_THUMBNAILS, most)
        size_px = (max(round(width_in * DPI), 1), max(round(width_in / aspect * DPI), 1))
        return thumbnails(reader, end_s, most, size_px)
    except Exception:  # whatever ails the video: its curve is known, and worth a plot without these
        return []


def _draw_row(axes: Axes, row: list[Thumbnail], end_s: float, row_in: float, palette: Palette) -> None:
    """Thumbnails of one size in inches, which no stretch of the time axis gives."""
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    for k, thumbnail in enumerate(row):
        plot = OffsetImage(thumbnail.pixels_HWC, zoom=72 / DPI)
        # Evenly, but for one that would not lie under its moment.
        half, at = thumbnail.pixels_HWC.shape[1] / DPI / ROW_IN / 2, thumbnail.time_s / end_s
        middle_s = np.clip((k + 0.5) / len(row), at - half, at + half) * end_s
        box = AnnotationBbox(plot, (middle_s, 0), box_alignment=(0.5, 0), frameon=False, pad=0)
        box.set_in_layout(False)
        axes.add_artist(box)
    axes.vlines(
        [thumbnail.time_s for thumbnail in row], 1 - POINTER_IN / row_in, 1, palette.ink, linewidth=1.2
    )
    axes.set_ylim(0, 1)
    axes.set_axis_off()


def sum_up(
    times_s: Float64s, values: NDArray[np.floating]
) -> tuple[Float64s, Float64s, Float64s, Float64s]:
    """Times, lowest, mean and highest values: as they are, or of COLUMNS stretches of a long video.

    The lowest and highest keep every peak, however long the video.
    """
    if len(times_s) <= 10 * COLUMNS:
        values = values.astype(np.float64)
        return times_s, values, values, values
    starts = np.linspace(0, len(times_s), COLUMNS, endpoint=False).astype(np.int64)
    counts = np.diff(starts, append=len(times_s))
    mean = np.add.reduceat(values.astype(np.float64), starts) / counts
    return times_s[starts], np.minimum.reduceat(values, starts), mean, np.maximum.reduceat(values, starts)


def _title(figure: Figure, curve: SpeedinessCurve) -> None:
    name = Path(str(curve.made_by.get("video", "video"))).name
    name = name.encode("utf-8", "backslashreplace").decode()  # names that are not text still print
    name = "".join(sign if sign.isprintable() else "\ufffd" for sign in name)  # no SVG may hold the others
    if len(name) > 70:
        name = f"{name[:45]}…{name[-24:]}"
    # A file name is not a formula, whatever dollars it holds.
    figure.suptitle(
        f"{name}  ·  {clock(curve.duration_s)}", x=0.01, ha="left", fontsize=13, parse_math=False
    )
    if curve.notes:
        notes = "  ·  ".join(curve.notes)
        shown = notes if len(notes) <= 150 else f"{notes[:149]}…"
        figure.supxlabel(shown, x=0.01, ha="left", fontsize=9, parse_math=False)


def draw_score(
    axes: Axes, curve: SpeedinessCurve, end_s: float, palette: Palette, plan: SpeedPlan | None = None
) -> None:
    """The score of a curve over its labelled segments."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    legend: list[Artist] = []
    for label, colour in palette.bands.items():
        spans = [(s.start_s, s.end_s - s.start_s) for s in curve.segments if s.label == label]
        if spans:
            axes.broken_barh(spans, (0, 1), facecolor=colour, linewidth=0, zorder=0)
            share = sum(width for _, width in spans) / end_s
            legend.append(Patch(color=colour, label=f"{LABEL_WORDS[label]} {share:.0%}"))
    for segment in curve.segments:
        width_s = segment.end_s - segment.start_s
        if segment.label in ("sped_up", "slow_motion") and width_s > 0.04 * end_s:
            middle_s = (segment.start_s + segment.end_s) / 2
            axes.text(middle_s, 1.03, f"≈ {segment.factor:.2g}×", ha="center", fontsize=9)
    legend.append(
        _draw_line(
            axes, curve.times_s, curve.sped_up, end_s, color=palette.ink, linewidth=1.3, label="score"
        )
    )
    if plan is not None:
        speediness = curve.speediness()
        style: dict[str, Any] = {"color": palette.limit, "linestyle": "--", "drawstyle": "steps-post"}
        legend.append(
            _draw_line(
                axes, curve.times_s, speediness, end_s, linewidth=1.0, label="1 − V̂(t), V below", **style
            )
        )
    if curve.cuts_s:
        legend.append(Line2D([], [], color=palette.ink, linewidth=0.6, alpha=0.5, label="cut"))
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1], ["0 natural", "0.5", "1 sped up"])
    axes.axhline(0.5, color=palette.ink, linewidth=0.6, linestyle=":")
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


def _draw_speeds(
    axes: Axes, curve: SpeedinessCurve, plan: SpeedPlan | None, end_s: float, palette: Palette
) -> None:
    limit = curve.limit()
    low, high = 1.0, max(2.0, float(limit.max()))
    if plan is not None:
        low, high = min(low, float(plan.factor.min())), max(high, float(plan.factor.max()), plan.rate)
    low, high = low / 1.15, high * 1.15
    line = _draw_line(
        axes,
        curve.times_s,
        limit,
        end_s,
        color=palette.limit,
        drawstyle="steps-post",  # a limit holds until the next frame
        linewidth=1.0,
        label="V(t): fastest with P(natural) ≥ 0.5",
    )
    axes.fill_between(*line.get_data(), low, color=palette.limit, alpha=0.22, linewidth=0, step="post")
    if plan is not None:
        axes.axhline(
            plan.rate, color=palette.ink, linewidth=1, linestyle="--", label=f"uniform {plan.rate:g}×"
        )
        _draw_line(
            axes,
            plan.times_s,
            plan.factor,
            end_s,
            color=palette.plan,
            linewidth=2,
            label=f"S*(t): plan, {clock(plan.output_duration_s)} in all",
        )
    axes.set_yscale("log", base=2)
    axes.set_ylim(low, high)
    ticks = [tick for tick in (0.125, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16) if low <= tick <= high]
    axes.set_yticks(ticks, [f"{tick:g}×" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="y", color=palette.ink, alpha=0.12, linewidth=0.6)
    axes.set_ylabel("playback speed", fontsize=10)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1.0), ncols=3, frameon=False, fontsize=9, borderpad=0)


def _draw_line(
    axes: Axes, times_s: Float64s, values: NDArray[np.floating], end_s: float, **style: Any
) -> Line2D:
    """A curve over the whole video, its last value held to the end; of a long video also its spread."""
    times_s, low, mean, high = (
        np.append(part, last)
        for part, last in zip(
            sum_up(times_s, values), (end_s, values[-1], values[-1], values[-1]), strict=True
        )
    )
    (line,) = axes.plot(times_s, mean, **style)
    axes.fill_between(times_s, low, high, color=style["color"], alpha=0.25, linewidth=0, step="post")
    return line


def time_axis(axes: Axes, end_s: float) -> None:
    """From 0 to the end of a video, in the units people use for its length."""
    step_s = next((step for step in TIME_STEPS_S if end_s / step <= 12), end_s / 10)
    ticks = np.arange(0, end_s + step_s / 1000, step_s)
    axes.set_xlim(0, end_s)
    if end_s <= 120:
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xlabel("time (s)", fontsize=10)
    else:
        axes.set_xticks(ticks, [stamp(tick, 0, with_hours=end_s >= 3600) for tick in ticks])
        axes.set_xlabel("time (h:min:s)" if end_s >= 3600 else "time (min:s)", fontsize=10)


def new_figure(width_in: float, height_in: float, dpi: int = DPI) -> Figure:
    """An empty plot, drawn without a display; its parts are laid out when it is saved."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), dpi=dpi, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, out: Path) -> None:
    """Write a plot beside its final name, then rename: an SVG if the name ends so, else a PNG.

    The same plot gives the same bytes; text in an SVG stays text.

    Raises:
        OutputError: the plot cannot be written; nothing is left of it.
    """
    import matplotlib

    as_svg = out.suffix.lower() == ".svg"
    metadata: dict[str, Any] = (
        {"Creator": "speediness", "Date": None} if as_svg else {"Software": "speediness"}
    )
    with (
        written_whole(out, "choose another folder with -o") as partial,
        warnings.catch_warnings(),
        matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "speediness"}),
    ):
        # A title in a script that the font lacks shows boxes; that is no news for the user.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.savefig(partial, format="svg" if as_svg else "png", metadata=metadata)
