"""speediness speedup: play a video faster, most where it shows least."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speediness.cli.analyse import print_outputs
from speediness.cli.analysis_options import add_analysis_arguments, analyse_video
from speediness.cli.outputs import check_folder, check_new
from speediness.cli.plotting import add_plotting_arguments, draw_plot, plot_suffix
from speediness.cli.terminal import console, print_json
from speediness.errors import DataError, PlanError

if TYPE_CHECKING:
    from speediness.curves import SpeedinessCurve
    from speediness.speed_plan import SpeedPlan
    from speediness.speedup.plan import TargetRow
    from speediness.video.info import VideoInfo


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument("video", metavar="VIDEO", type=Path, help="video to speed up")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--rate", metavar="R", type=float, help="how many times shorter the video becomes")
    target.add_argument(
        "--duration", metavar="SECONDS", type=float, help="how long the video becomes, instead of --rate"
    )
    parser.add_argument("-o", dest="out", metavar="OUT.mp4", type=Path, help="video to write")
    parser.add_argument(
        "--export",
        dest="exports",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="timeline for a video editor, its format by the ending (docs/timelines.md); may be repeated",
    )
    parser.add_argument(
        "--from",
        dest="curve",
        metavar="CURVE.json",
        type=Path,
        help="use this curve instead of analysing again",
    )
    parser.add_argument(
        "--plan-only", action="store_true", help="stop after the plan; show several target rates"
    )
    parser.add_argument(
        "--audio",
        choices=["stretch", "mute", "drop"],
        default="stretch",
        help="sound (default: stretch, pitch kept)",
    )
    parser.add_argument(
        "--blend", action="store_true", help="mix neighbouring frames instead of picking one"
    )
    parser.add_argument(
        "--preset",
        metavar="NAME",
        default="superfast",
        help="x264's, ultrafast to veryslow: slower writes smaller files (default: superfast)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument("--force", action="store_true", help="replace OUT.mp4 if it exists")
    add_plotting_arguments(parser)
    add_analysis_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Analyse, plan and render; all that can be refused is refused before the long work."""
    from speediness.speedup.plan import DEFAULT_OPTIONS, compare_with_uniform, durations_table, plan_speedup

    if not (arguments.out or arguments.exports):
        arguments.verb.error("give a video to write with -o, a timeline with --export, or both")
    video, out = arguments.video, arguments.out or arguments.exports[0]
    outputs = {
        kind: Path(f"{out.with_suffix('')}{suffix}")
        for kind, suffix in (
            ("curve", ".curve.json"),
            ("plan", ".plan.json"),
            ("plot", f".plan{plot_suffix(arguments)}"),
        )
    }
    if arguments.rate is not None:
        DEFAULT_OPTIONS.check_rate(arguments.rate)
    info = _video(video)
    if info.duration_s is not None:
        _rate(arguments, info.duration_s)
    _refuse_outputs(video, outputs, arguments)
    curve = (
        _given_curve(arguments.curve, info) if arguments.curve else _analysed(arguments, outputs["curve"])
    )
    if arguments.curve:
        outputs["curve"] = arguments.curve
    rate = _rate(arguments, curve.duration_s)

    from speediness.progress import progress_bar

    plan = plan_speedup(curve, rate)
    plan.save(outputs["plan"])
    draw_plot(curve, outputs["plot"], arguments, video, plan)
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
    return 0


def _video(video: Path) -> VideoInfo:
    from speediness.video.reader import VideoReader

    return VideoReader(video).info


def _rate(arguments: argparse.Namespace, duration_s: float) -> float:
    """How many times shorter a video of this length becomes."""
    from speediness.speedup.plan import DEFAULT_OPTIONS

    if arguments.rate is not None:
        return arguments.rate
    shortest_s, longest_s = duration_s / DEFAULT_OPTIONS.fastest, duration_s / DEFAULT_OPTIONS.slowest
    if not shortest_s <= arguments.duration <= longest_s:
        raise PlanError(
            f"a duration of {arguments.duration:g} s cannot be reached;"
            f" choose one from {shortest_s:.2f} to {longest_s:.2f} s"
        )
    return duration_s / arguments.duration


def _refuse_outputs(video: Path, documents: dict[str, Path], arguments: argparse.Namespace) -> None:
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


def _export(plan: SpeedPlan, curve: SpeedinessCurve, info: VideoInfo, paths: list[Path]) -> list[str]:
    """Write the timelines; notes on what an editor makes of them."""
    from speediness.timeline.export import export_timeline, has_variable_rate

    for path in paths:
        export_timeline(plan, info, path)
    if paths and has_variable_rate(curve.times_s):
        return ["the frame rate varies: timelines place moments by time, not by counting frames"]
    return []


def _analysed(arguments: argparse.Namespace, path: Path) -> SpeedinessCurve:
    """Saved at once: whatever goes wrong later, the long part need not be done again."""
    curve = analyse_video(arguments.video, arguments)
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
    from rich.table import Table

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
        table = Table(box=None, padding=(0, 1), header_style="bold")
        for column in ("rate", "duration", "slowest", "fastest", "threshold"):
            table.add_column(column, justify="right")
        for row in rows:
            table.add_row(
                f"{row.rate:g}×",
                clock(row.duration_s),
                f"{row.slowest:.2f}×",
                f"{row.fastest:.2f}×",
                "flat" if row.rho is None else f"{row.rho:.1f}",
            )
        out.print(table)
    for note in summary["notes"]:
        out.print(f"note: {note}")
    print_outputs(summary["outputs"])
    for path in summary["timelines"]:
        print_outputs({"timeline": path})
    if rows:
        print("to render without analysing again, add --from with this curve and leave --plan-only out")
