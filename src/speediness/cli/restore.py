"""speediness restore: play every stretch of a video at its natural speed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from speediness.cli.analyse import print_outputs, stamp
from speediness.cli.analysis_options import add_analysis_arguments, analyse_video
from speediness.cli.speedup import add_rendering_arguments, rendering_of
from speediness.cli.terminal import console, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument("video", metavar="VIDEO", type=Path, help="video to restore")
    parser.add_argument(
        "-o", dest="out", metavar="OUT", type=Path, required=True, help="video to write: .mp4, .mov or .mkv"
    )
    parser.add_argument(
        "--factor",
        dest="factors",
        metavar="A-B=F",
        action="append",
        default=[],
        help="A to B (seconds or mm:ss) plays at F, 0.25 is four times slower than life; may be repeated",
    )
    parser.add_argument(
        "--from",
        dest="curve",
        metavar="CURVE.json",
        type=Path,
        help="use this curve instead of analysing again",
    )
    add_rendering_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    parser.add_argument("--force", action="store_true", help="replace a video that exists")
    add_analysis_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Analyse, restore, analyse again."""
    from speediness.progress import progress_bar
    from speediness.speedup.restore import restore
    from speediness.speedup.stretches import parse_factor

    summary = restore(
        arguments.video,
        arguments.out,
        rendering_of(arguments),
        lambda video: analyse_video(video, arguments),
        progress_bar,
        given=[parse_factor(text) for text in arguments.factors],
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
        f" {clock(summary['output_duration_s'])}"
    )
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("start", "end", "why", "factor", "played at"):
        table.add_column(column, justify="left" if column == "why" else "right")
    for stretch in summary["stretches"]:
        table.add_row(
            stamp(stretch["start_s"]),
            stamp(stretch["end_s"]),
            stretch["why"].replace("_", " "),
            f"{stretch['factor']:.2f}×",
            f"{1 / stretch['factor']:.2f}×",
        )
    out.print(table)
    before, after = (summary[f"share_{when}"].get("natural", 0) for when in ("before", "after"))
    out.print(f"natural to the network for {after:.0%} of the time, before: {before:.0%}")
    for note in summary["notes"]:
        out.print(f"note: {note}")
    print_outputs(summary["outputs"])
    for path in summary["subtitles"]:
        print_outputs({"subtitle": path})
