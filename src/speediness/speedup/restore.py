"""Every stretch of a video at its natural speed: slow motion sped up, sped-up video slowed down.

What plays at a factor f (0.25: four times slower than life) has to be on screen f times as long, so the
slowness of the plan is f itself. Within a shot f changes over ``RAMP_S`` around the change of label; at a
cut, where another take begins, it changes at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from speediness.errors import PlanError
from speediness.plots import PALETTES, SIZE_IN, colours, draw_score, new_figure, save_figure, time_axis
from speediness.progress import Bar
from speediness.results.curve import Label, SpeedinessCurve
from speediness.results.plan import SpeedPlan
from speediness.speedup.curve_file import curve_of
from speediness.speedup.rendering import Rendering, measured
from speediness.speedup.stretches import Span
from speediness.version import __version__
from speediness.video.reader import VideoReader
from speediness.video.writer import check_file

RAMP_S = 0.5  # of the source
AT_ONCE_S = 0.001
SLOWEST, FASTEST = 1 / 16, 16.0  # factors taken from people; the network knows 1/8 to 4


@dataclass(frozen=True)
class Stretch:
    """What is taken to play at one speed."""

    start_s: float
    end_s: float
    factor: float
    """At which it plays in the source."""
    why: Label | str
    """A label, or ``given``."""


def find_stretches(curve: SpeedinessCurve, given: Sequence[tuple[Span, float]] = ()) -> tuple[Stretch, ...]:
    """The segments of a curve and the factors they play at, natural where it is not sure.

    Of stretches ``given``, whose factor is known better, the last wins.

    Raises:
        PlanError: one of them is no stretch of this video or has no usable factor.
    """
    for (start_s, end_s), factor in given:
        if not 0 <= start_s < min(end_s, curve.duration_s):
            raise PlanError(
                f"{start_s:g}-{end_s:g} is no stretch of this video; it lasts {curve.duration_s:g} s"
            )
        if not SLOWEST <= factor <= FASTEST:
            raise PlanError(f"a factor of {factor:g} is out of reach; choose one from 1/16 to 16")
    inner_s = [s.start_s for s in curve.segments] + [moment_s for span, _ in given for moment_s in span]
    inside = {moment_s for moment_s in inner_s if 0 < moment_s < curve.duration_s}
    stretches: list[Stretch] = []
    for start_s, end_s in pairwise(sorted({0.0, curve.duration_s} | inside)):
        factor, why = _factor_at((start_s + end_s) / 2, curve, given)
        if stretches and (stretches[-1].factor, stretches[-1].why) == (factor, why):
            start_s = stretches.pop().start_s
        stretches.append(Stretch(start_s, end_s, factor, why))
    return tuple(stretches)


def _factor_at(
    moment_s: float, curve: SpeedinessCurve, given: Sequence[tuple[Span, float]]
) -> tuple[float, Label | str]:
    for (start_s, end_s), factor in reversed(given):
        if start_s <= moment_s < end_s:
            return factor, "given"
    for segment in curve.segments:
        if segment.start_s <= moment_s < segment.end_s:
            return (1.0 if segment.label == "not_sure" else segment.factor), segment.label
    return 1.0, "not_sure"


def plan_restore(curve: SpeedinessCurve, stretches: Sequence[Stretch]) -> SpeedPlan:
    """The time map by which every stretch plays at its natural speed.

    Args:
        curve: of the video; its cuts need no ramps.
        stretches: as :func:`find_stretches` gives them.
    """
    times_s, slowness = [0.0], [stretches[0].factor]
    for before, after in pairwise(stretches):
        at_cut = any(abs(cut_s - after.start_s) < AT_ONCE_S for cut_s in curve.cuts_s)
        shorter_s = min(before.end_s - before.start_s, after.end_s - after.start_s)
        half_s = min(AT_ONCE_S if at_cut else RAMP_S, shorter_s / 2) / 2
        times_s += [after.start_s - half_s, after.start_s + half_s]
        slowness += [before.factor, after.factor]
    knots_s, slow = np.array([*times_s, curve.duration_s]), np.array([*slowness, stretches[-1].factor])
    output_s = float(np.sum(np.diff(knots_s) * (slow[1:] + slow[:-1]) / 2))
    made_by = {
        "program": f"speediness {__version__}",
        "settings": {"factors": [[s.start_s, s.end_s, s.factor] for s in stretches], "ramp_s": RAMP_S},
        "curve": curve.made_by,
    }
    return SpeedPlan(knots_s, slow, curve.duration_s / output_s, made_by)


def restore(
    video: Path,
    out: Path,
    rendering: Rendering,
    analyse: Callable[[Path], SpeedinessCurve],
    bar: Bar,
    *,
    given: Sequence[tuple[Span, float]] = (),
    curve_file: Path | None = None,
) -> dict[str, Any]:
    """Analyse, restore, and analyse the result; returns what ``restore --json`` prints (docs/formats.md).

    ``analyse`` is called for the curve of a video, not of the source if ``curve_file`` is given; factors
    ``given`` are known better than the curve does; ``bar`` shows the rendering.

    Raises:
        VideoError, OutputError, PlanError, DataError: what is wrong and what to do.
    """
    info = VideoReader(video).info
    rendering.check(video, out)
    stem = out.with_suffix("")
    curve_path, plan_path, plot_path, result_path = (
        Path(f"{stem}{suffix}")
        for suffix in (".curve.json", ".plan.json", ".restored.png", ".restored.json")
    )
    for path in (curve_path, plan_path, plot_path, result_path):
        check_file(path, video, force=True)
    if curve_file:
        curve, curve_path = curve_of(curve_file, info), curve_file
    else:
        curve = analyse(video)
        curve.save(curve_path)
    stretches = find_stretches(curve, given)
    if all(stretch.factor == 1 for stretch in stretches):
        raise PlanError("no stretch is found to play faster or slower than life; say which: --factor A-B=F")
    plan = plan_restore(curve, stretches)
    plan.save(plan_path)
    report, subtitles = rendering.write(video, plan, out, bar)
    after = analyse(out)
    after.save(result_path)
    plot_restored(curve, after, plot_path)
    return {
        "schema": "speediness.restore/1",
        "video": str(video),
        "source_duration_s": plan.source_duration_s,
        "output_duration_s": plan.output_duration_s,
        "stretches": [
            {"start_s": s.start_s, "end_s": s.end_s, "factor": round(s.factor, 3), "why": s.why}
            for s in stretches
        ],
        "share_before": shares(curve),
        "share_after": shares(after),
        "notes": list(dict.fromkeys([*curve.notes, *report.warnings])),
        "outputs": {
            "film": str(out),
            "curve": str(curve_path),
            "plan": str(plan_path),
            "plot": str(plot_path),
            "restored": str(result_path),
        },
        "subtitles": [str(path) for path in subtitles],
    } | measured(report)


def shares(curve: SpeedinessCurve) -> dict[str, float]:
    """How much of the time bears each label, 0..1."""
    whole_s = sum(segment.end_s - segment.start_s for segment in curve.segments) or 1.0
    found: dict[str, float] = {}
    for segment in curve.segments:
        found[segment.label] = found.get(segment.label, 0.0) + (segment.end_s - segment.start_s) / whole_s
    return {label: round(share, 4) for label, share in found.items()}


def plot_restored(before: SpeedinessCurve, after: SpeedinessCurve, out: Path) -> None:
    """Draw both curves over their labelled segments, each on its own time axis; replaces ``out``.

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
