"""``speediness speedup``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Group, Parameter
from cyclopts.validators import LimitedChoice

from speediness.analysis.options import AnalysisOptions
from speediness.cli.options import Analysis, Force, Json, analyse_video
from speediness.cli.outputs import check_folder, check_new
from speediness.cli.terminal import console, print_json, print_outputs, print_table
from speediness.errors import DataError, OutputError, PlanError

if TYPE_CHECKING:
    from speediness.curves import SpeedinessCurve
    from speediness.speed_plan import SpeedPlan
    from speediness.speedup.plan import TargetRow
    from speediness.video.info import VideoInfo

TARGET = Parameter(group=Group(validator=LimitedChoice(1, 1), show=False))


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SpeedupOptions:
    """How fast, what is written, and how."""

    rate: Annotated[float | None, TARGET] = None
    """how many times shorter the video becomes"""
    duration: Annotated[float | None, TARGET] = None
    """how many seconds long the video becomes, instead of --rate"""
    out: Annotated[Path | None, Parameter(name="-o")] = None
    """video to write"""
    exports: Annotated[tuple[Path, ...], Parameter(name="--export")] = ()
    """timeline for a video editor, its format by the ending (docs/timelines.md); may be repeated"""
    curve: Annotated[Path | None, Parameter(name="--from")] = None
    """use this curve instead of analysing again"""
    plan_only: bool = False
    """stop after the plan; show several target rates"""
    audio: Literal["stretch", "mute", "drop"] = "stretch"
    """sound; stretch keeps its pitch"""
    blend: bool = False
    """mix neighbouring frames instead of picking one"""
    preset: str = "superfast"
    """x264's, ultrafast to veryslow: slower writes smaller files"""
    json: Json = False
    force: Force = False
    analysis: Analysis = AnalysisOptions()


def speedup(video: Path, /, *, arguments: SpeedupOptions = SpeedupOptions()) -> None:
    """Play a video faster, most where it shows least.

    Args:
        video: video to speed up.
    """
    from speediness.speedup.plan import DEFAULT_OPTIONS, compare_with_uniform, durations_table, plan_speedup

    if not (arguments.out or arguments.exports):
        raise OutputError("give a video to write with -o, a timeline with --export, or both (--help)")
    out = arguments.out or arguments.exports[0]
    outputs = {
        kind: Path(f"{out.with_suffix('')}{suffix}")
        for kind, suffix in (
            ("curve", ".curve.json"),
            ("plan", ".plan.json"),
            ("plot", ".plan.png"),
        )
    }
    if arguments.rate is not None:
        DEFAULT_OPTIONS.check_rate(arguments.rate)
    info = _video(video)
    if info.duration_s is not None:
        _rate(arguments, info.duration_s)
    _refuse_outputs(video, outputs, arguments)
    curve = (
        _given_curve(arguments.curve, info)
        if arguments.curve
        else _analysed(video, arguments.analysis, outputs["curve"])
    )
    if arguments.curve:
        outputs["curve"] = arguments.curve
    rate = _rate(arguments, curve.duration_s)

    from speediness.plots import plot_curve
    from speediness.progress import progress_bar

    plan = plan_speedup(curve, rate)
    plan.save(outputs["plan"])
    plot_curve(curve, outputs["plot"], plan, video=video)
    rendered: dict[str, Any] = {}
    notes = list(curve.notes)
    notes += _export(plan, curve, info, arguments.exports)
    if arguments.out and not arguments.plan_only:
        from speediness.speedup.render import render_speedup

        with progress_bar(f"rendering {out.name}") as progress:
            report = render_speedup(
                video,
                plan,
                out,
                audio=arguments.audio,
                force=arguments.force,
                blend=arguments.blend,
                preset=arguments.preset,
                progress=progress,
            )
        outputs = {"film": out} | outputs
        rendered = {
            "frames": report.frames,
            "frame_rate": str(report.frame_rate),
            "film_duration_s": report.duration_s,
            "max_av_error_ms": report.max_av_error_ms,
        }
        notes += [warning for warning in report.warnings if warning not in notes]
    adaptive, uniform = compare_with_uniform(curve, plan)
    summary = {
        "schema": "speediness.speedup/1",
        "video": str(video),
        "rate": plan.rate,
        "rho": plan.rho,
        "source_duration_s": plan.source_duration_s,
        "output_duration_s": plan.output_duration_s,
        "slowest": float(plan.factor.min()),
        "fastest": float(plan.factor.max()),
        "adaptive": asdict(adaptive),
        "uniform": asdict(uniform),
        "notes": notes,
        "outputs": {kind: str(path) for kind, path in outputs.items()},
        "timelines": [str(path) for path in arguments.exports],
    } | rendered
    rows = durations_table(curve, rate) if arguments.plan_only else []
    if arguments.json:
        print_json(summary | ({"durations": [asdict(row) for row in rows]} if rows else {}))
    else:
        _print_summary(summary, rows)


def _video(video: Path) -> VideoInfo:
    from speediness.video.reader import VideoReader

    return VideoReader(video).info


def _rate(arguments: SpeedupOptions, duration_s: float) -> float:
    """How many times shorter a video of this length becomes."""
    from speediness.speedup.plan import DEFAULT_OPTIONS

    if arguments.rate is not None:
        return arguments.rate
    assert arguments.duration is not None  # TARGET: one of the two
    shortest_s, longest_s = duration_s / DEFAULT_OPTIONS.fastest, duration_s / DEFAULT_OPTIONS.slowest
    if not shortest_s <= arguments.duration <= longest_s:
        raise PlanError(
            f"a duration of {arguments.duration:g} s cannot be reached;"
            f" choose one from {shortest_s:.2f} to {longest_s:.2f} s"
        )
    return duration_s / arguments.duration


def _refuse_outputs(video: Path, documents: dict[str, Path], arguments: SpeedupOptions) -> None:
    """The video is precious; the documents that bear its name are made anew with every plan."""
    from speediness.timeline.export import format_of
    from speediness.video.writer import check_output, check_preset

    check_preset(arguments.preset)
    if arguments.out:
        check_output(arguments.out, video, force=arguments.force or arguments.plan_only)
        check_folder(arguments.out.parent, "choose another with -o")
    for path in arguments.exports:
        format_of(path)
        check_folder(path.parent, "choose another with --export")
        check_new(path, arguments.force)
    for document in documents.values():
        check_new(document, force=True)


def _export(plan: SpeedPlan, curve: SpeedinessCurve, info: VideoInfo, paths: Sequence[Path]) -> list[str]:
    """Write the timelines; notes on what an editor makes of them."""
    from speediness.timeline.export import export_timeline, has_variable_rate

    for path in paths:
        export_timeline(plan, info, path)
    if paths and has_variable_rate(curve.times_s):
        return ["the frame rate varies: timelines place moments by time, not by counting frames"]
    return []


def _analysed(video: Path, options: AnalysisOptions, path: Path) -> SpeedinessCurve:
    """Saved at once: whatever goes wrong later, the long part need not be done again."""
    curve = analyse_video(video, options)
    curve.save(path)
    return curve


def _given_curve(path: Path, info: VideoInfo) -> SpeedinessCurve:
    """Load a curve and see that it can be of this video."""
    from speediness.curves import SpeedinessCurve

    curve = SpeedinessCurve.load(path)
    # What the container promises, not what could be decoded: a file may be cut short.
    then_s, now_s = curve.made_by.get("container_duration_s") or curve.duration_s, info.duration_s
    if now_s is not None and abs(float(now_s) - then_s) > max(0.5, 0.02 * then_s):
        raise DataError(
            f"{path} is of a video of {then_s:.2f} s, but {info.path} has {float(now_s):.2f} s;"
            " leave --from out or give the curve of this video"
        )
    return curve


def _print_summary(summary: dict[str, Any], rows: list[TargetRow]) -> None:
    from speediness.progress import clock

    out = console()
    out.print(
        f"\n{Path(summary['video']).name}: {clock(summary['source_duration_s'])} becomes"
        f" {clock(summary['output_duration_s'])},"
        f" played at {summary['slowest']:.2f}× to {summary['fastest']:.2f}×"
    )
    out.print(
        f"looks too fast to the network for {summary['adaptive']['unnatural_share']:.0%} of the time"
        f" (at a uniform {summary['rate']:g}×: {summary['uniform']['unnatural_share']:.0%})"
    )
    if rows:
        cells = [
            [
                f"{row.rate:g}×",
                clock(row.duration_s),
                f"{row.slowest:.2f}×",
                f"{row.fastest:.2f}×",
                "flat" if row.rho is None else f"{row.rho:.1f}",
            ]
            for row in rows
        ]
        print_table(("rate", "duration", "slowest", "fastest", "threshold"), cells, left=())
    for note in summary["notes"]:
        out.print(f"note: {note}")
    print_outputs(summary["outputs"])
    for path in summary["timelines"]:
        print_outputs({"timeline": path})
    if rows:
        print("to render without analysing again, add --from with this curve and leave --plan-only out")
