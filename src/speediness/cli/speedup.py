"""speediness speedup: play a video faster, most where it shows least."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speediness.cli.analyse import print_outputs
from speediness.cli.analysis_options import add_analysis_arguments, analyse_video
from speediness.cli.terminal import console, print_json

if TYPE_CHECKING:
    from speediness.speedup.rendering import Rendering


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument("video", metavar="VIDEO", type=Path, help="video to speed up")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--rate", metavar="R", type=float, help="how many times shorter the video becomes")
    target.add_argument(
        "--duration", metavar="SECONDS", type=float, help="how long the video becomes, instead of --rate"
    )
    parser.add_argument(
        "-o", dest="out", metavar="OUT", type=Path, help="video to write: .mp4, .mov or .mkv"
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
    parser.add_argument(
        "--preset",
        metavar="NAME",
        default="superfast",
        help="ultrafast to veryslow: slower writes smaller files (default: superfast)",
    )


def rendering_of(arguments: argparse.Namespace) -> Rendering:
    """How a video is written, as the arguments say.

    Raises:
        OutputError: no such codec, quality or preset.
    """
    from speediness.speedup.rendering import Rendering
    from speediness.video.coding import Coding

    coding = Coding(arguments.codec, arguments.quality, arguments.preset)
    return Rendering(arguments.audio, arguments.blend, coding, arguments.force)


def run(arguments: argparse.Namespace) -> int:
    """Analyse, plan and render; all that can be refused is refused before the long work."""
    from speediness.progress import progress_bar
    from speediness.speedup.job import SpeedupJob, speed_up
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
    summary = speed_up(
        arguments.video,
        job,
        lambda: analyse_video(arguments.video, arguments),
        progress_bar,
        out=arguments.out,
        exports=arguments.exports,
        curve_file=arguments.curve,
    )
    if arguments.json:
        print_json(summary)
    else:
        _print_summary(summary)
    return 0


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
