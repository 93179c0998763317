"""speediness speedup: play a video faster, most where it shows least."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speediness.cli.analyse import print_outputs
from speediness.cli.analysis_options import add_analysis_arguments, analyse_video
from speediness.cli.terminal import console, print_error, print_json
from speediness.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from speediness.speedup.rendering import Rendering


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument(
        "videos", metavar="VIDEO", nargs="+", type=Path, help="video, folder, pattern, or - for stdin"
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--rate", metavar="R", type=float, help="how many times shorter the video becomes")
    target.add_argument(
        "--duration", metavar="SECONDS", type=float, help="how long the video becomes, instead of --rate"
    )
    parser.add_argument(
        "-o", dest="out", metavar="OUT", type=Path, help="video (.mp4, .mov, .mkv), folder, or - for stdout"
    )
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
        "--max-rate",
        metavar="R",
        type=float,
        default=10,
        help="play nothing faster than this (default: 10)",
    )
    parser.add_argument(
        "--keep",
        metavar="A-B",
        action="append",
        default=[],
        help="leave A to B (seconds or mm:ss) at its speed; may be repeated",
    )
    parser.add_argument(
        "--speech", metavar="R", type=float, help="play nothing faster than this while somebody speaks"
    )
    add_rendering_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument("--progress", choices=["bar", "json"], default="bar", help="bar, or lines of JSON")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--force", action="store_true", help="replace a video and timelines that exist")
    add_analysis_arguments(parser)


def add_rendering_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how a video is written."""
    parser.add_argument(
        "--audio",
        metavar="TRACKS",
        default="all",
        help="sound tracks kept, pitch and all: all, first, none, mute, or numbers as 1,3 (default: all)",
    )
    parser.add_argument(
        "--blend", action="store_true", help="mix neighbouring frames instead of picking one"
    )
    parser.add_argument("--codec", default="h264", help="h264, hevc or av1 (default: h264)")
    parser.add_argument(
        "--quality",
        metavar="Q",
        type=int,
        default=19,
        help="0, the best, to 51: x264's CRF (default: 19)",
    )


def rendering_of(arguments: argparse.Namespace) -> Rendering:
    """How a video is written, as the arguments say.

    Raises:
        OutputError: no such codec or quality.
    """
    from speediness.speedup.rendering import Rendering
    from speediness.video.coding import Coding

    coding = Coding(arguments.codec, arguments.quality)
    return Rendering(arguments.audio, arguments.blend, coding, arguments.force)


def run(arguments: argparse.Namespace) -> int:
    """Analyse, plan and render; all that can be refused is refused before the long work."""
    from speediness.progress import bar_for
    from speediness.speedup.batch import is_many
    from speediness.speedup.job import SpeedupJob, speed_up
    from speediness.speedup.pipes import PIPE, piped
    from speediness.speedup.plan import PlanOptions
    from speediness.speedup.stretches import parse_span

    job = SpeedupJob(
        rate=arguments.rate,
        duration_s=arguments.duration,
        options=PlanOptions(fastest=arguments.max_rate),
        keep_s=[parse_span(text) for text in arguments.keep],
        speech_rate=arguments.speech,
        rendering=rendering_of(arguments),
    )
    bar = bar_for(arguments.progress == "json", arguments.quiet)

    def one(video: Path, out: Path | None) -> dict[str, Any]:
        return speed_up(
            video,
            job,
            lambda: analyse_video(video, arguments, bar),
            bar,
            out=out,
            exports=arguments.exports,
            curve_file=arguments.curve,
        )

    if is_many(arguments.videos):
        return _run_all(arguments, job.rendering, one)
    (video,) = arguments.videos
    if arguments.json and arguments.out == PIPE:
        raise OutputError("--json and -o - would both write to stdout; leave one out")
    with piped(video, arguments.out) as (source, out):
        summary = one(source, out)
    if arguments.json:
        print_json(summary)
    elif not arguments.quiet and arguments.out != PIPE:
        _print_summary(summary)
    return 0


def _run_all(
    arguments: argparse.Namespace, rendering: Rendering, one: Callable[[Path, Path], dict[str, Any]]
) -> int:
    from speediness.speedup.batch import outputs_in, speed_up_all

    if arguments.out is None or arguments.exports or arguments.curve:
        raise OutputError("several videos need a folder for the results, -o DIR, no --export and no --from")

    def shown(video: Path, out: Path) -> dict[str, Any]:
        summary = one(video, out)
        if not (arguments.json or arguments.quiet):
            _print_summary(summary)
        return summary

    outputs = outputs_in(arguments.out, arguments.videos, rendering.coding)
    batch = speed_up_all(outputs, shown, lambda _, error: print_error(error), rendering.force)
    if arguments.json:
        print_json(
            {
                "schema": "speediness.speedups/1",
                "films": batch.summaries,
                "skipped": [str(out) for out in batch.skipped],
                "errors": [{"video": str(video), "error": error} for video, error in batch.errors.items()],
            }
        )
    elif not arguments.quiet:
        for out in batch.skipped:
            print(f"skipped, it is there already: {out}")
    return 2 if batch.errors else 0


def _print_summary(summary: dict[str, Any]) -> None:
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
    rows = summary.get("durations", ())
    if rows:
        table = Table(box=None, padding=(0, 1), header_style="bold")
        for column in ("rate", "duration", "slowest", "fastest", "threshold"):
            table.add_column(column, justify="right")
        for row in rows:
            table.add_row(
                f"{row['rate']:g}×",
                clock(row["duration_s"]),
                f"{row['slowest']:.2f}×",
                f"{row['fastest']:.2f}×",
                "flat" if row["rho"] is None else f"{row['rho']:.1f}",
            )
        out.print(table)
    for note in summary["notes"]:
        out.print(f"note: {note}")
    print_outputs(summary["outputs"])
    for kind in ("timelines", "subtitles"):
        for path in summary.get(kind, ()):
            print_outputs({kind.removesuffix("s"): path})
    if rows:
        print("to render without analysing again, add -o, and --from with this curve")
