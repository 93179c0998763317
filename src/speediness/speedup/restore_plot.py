"""The curve of a video and, under it, that of the video restored."""

from pathlib import Path

from speediness.plots import PALETTES, SIZE_IN, colours, draw_score, new_figure, save_figure, time_axis
from speediness.results.curve import SpeedinessCurve


def plot_restored(before: SpeedinessCurve, after: SpeedinessCurve, out: Path) -> None:
    """Draw both curves over their labelled segments, each on its own time axis.

    Args:
        before: of the source.
        after: of the result, analysed again.
        out: where to write, replaced if it exists.

    Raises:
        OutputError: the plot cannot be written.
    """
    import matplotlib

    palette = PALETTES["light"]
    with matplotlib.rc_context(colours(palette)):
        figure = new_figure(*SIZE_IN)
        panels = figure.subplots(2, 1)
        for axes, curve, title in zip(panels, (before, after), ("as it is", "restored"), strict=True):
            end_s = max(curve.duration_s, 1e-3)
            draw_score(axes, curve, end_s, palette)
            axes.set_title(title, loc="left", pad=22)
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=9)
            time_axis(axes, end_s)
        save_figure(figure, out)
