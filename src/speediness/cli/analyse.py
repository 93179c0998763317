"""speediness analyse: find out where videos look natural, sped up or slowed down."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speediness.cli.analysis_options import add_analysis_arguments, analyse_video
from speediness.cli.batch import run_batch
from speediness.cli.corpus import add_ray_argument
from speediness.cli.outputs import check_folder, check_new, make_folder
from speediness.cli.plotting import add_plotting_arguments, draw_plot, plot_suffix
from speediness.cli.terminal import console, print_error, print_json, wants_traceback
from speediness.errors import OutputError, SpeedinessError
from speediness.labels import LABELS

if TYPE_CHECKING:
    from speediness.curves import SpeedinessCurve

ROWS_SHOWN = 20  # segments in the printed table; the files hold all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument("videos", metavar="VIDEO", nargs="+", type=Path, help="videos to look at")
    parser.add_argument(
        "-o",
        dest="folder",
        metavar="DIR",
        type=Path,
        help="where results go, made if missing (default: beside each video)",
    )
    parser.add_argument(
        "--csv", action="store_true", help="also write NAME.speediness.csv, one row per frame"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument("--force", action="store_true", help="replace results that exist")
    parser.add_argument(
        "--batch",
        action="store_true",
        help="VIDEO is a folder or manifest: one table of segments and one report in DIR",
    )
    add_plotting_arguments(parser)
    add_analysis_arguments(parser)
    add_ray_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Analyse every video; one that fails is reported and the others go on (exit code 2)."""
    if arguments.batch:
        return run_batch(arguments)
    if arguments.ray is not None:
        raise OutputError("--ray is for many videos; add --batch")
    results = {video: (arguments.folder or video.parent) / video.stem for video in arguments.videos}
    _refuse_clashes(arguments.videos, results)
    if arguments.folder is not None:
        make_folder(arguments.folder)
    summaries: list[dict[str, Any]] = []
    errors: list[dict[str, str]] = []
    for video, result in results.items():
        try:
            summaries.append(_analyse_one(video, result, arguments))
        except BrokenPipeError:
            raise
        except (SpeedinessError, OSError) as error:
            if wants_traceback():
                raise
            print_error(error)
            errors.append({"video": str(video), "error": str(error)})
    if arguments.json:
        print_json({"schema": "speediness.summary/1", "films": summaries, "errors": errors})
    return 2 if errors else 0


def _refuse_clashes(videos: list[Path], results: dict[Path, Path]) -> None:
    """Two videos must never write to the same file."""
    claims: dict[Path, list[Path]] = defaultdict(list)
    for video in videos:
        claims[results[video].resolve()].append(video)
    for result, claimants in claims.items():
        if len(claimants) > 1:
            names = " and ".join(map(str, claimants))
            raise OutputError(
                f"{names} would both be written to {result}.speediness.json; analyse them one by one"
                " with a different -o each"
            )


def _analyse_one(video: Path, result: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    kinds = {"curve": ".json", "plot": plot_suffix(arguments)} | ({"csv": ".csv"} if arguments.csv else {})
    outputs = {kind: Path(f"{result}.speediness{suffix}") for kind, suffix in kinds.items()}
    if video.exists():  # a missing video is the better complaint
        check_folder(result.parent, "choose another with -o")
    for output in outputs.values():
        check_new(output, arguments.force)

    curve = analyse_video(video, arguments)
    draw_plot(curve, outputs["plot"], arguments, video)
    if arguments.csv:
        write_csv(curve, outputs["csv"])
    curve.save(outputs["curve"])
    summary = summarise(video, curve) | {"outputs": {kind: str(path) for kind, path in outputs.items()}}
    if not arguments.json:
        print_summary(summary)
    return summary


def summarise(video: Path, curve: SpeedinessCurve) -> dict[str, Any]:
    """What ``--json`` says of a video (docs/cli.md): plain values, times in seconds."""
    document = curve.outline()
    seconds = dict.fromkeys(LABELS, 0.0)
    for segment in curve.segments:
        seconds[segment.label] += segment.end_s - segment.start_s
    total_s = sum(seconds.values()) or 1.0
    return {
        "video": str(video),
        "duration_s": document["duration_s"],
        "frames": len(curve.times_s),
        "share": {label: round(part_s / total_s, 4) for label, part_s in seconds.items()},
        "segments": document["segments"],
        "cuts_s": document["cuts_s"],
        "notes": document["notes"],
    }


def print_summary(summary: dict[str, Any]) -> None:
    """Print the same for people."""
    from rich.table import Table

    from speediness.progress import clock

    out = console()
    out.print(
        f"\n{Path(summary['video']).name}: {clock(summary['duration_s'])}, {summary['frames']} frames"
    )
    out.print(", ".join(f"{label.replace('_', ' ')} {summary['share'][label]:.0%}" for label in LABELS))
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("start", "end", "label", "factor", "confidence"):
        table.add_column(column, justify="left" if column == "label" else "right")
    for segment in summary["segments"][:ROWS_SHOWN]:
        sure = segment["label"] != "not_sure"
        table.add_row(
            stamp(segment["start_s"]),
            stamp(segment["end_s"]),
            segment["label"].replace("_", " "),
            f"{segment['factor']:.2f}×" if sure else "-",
            f"{segment['confidence']:.2f}" if sure else "-",
        )
    out.print(table)
    if len(summary["segments"]) > ROWS_SHOWN:
        out.print(f" and {len(summary['segments']) - ROWS_SHOWN} more, all in the files below")
    for note in summary["notes"]:
        out.print(f"note: {note}")
    print_outputs(summary["outputs"])


def print_outputs(outputs: dict[str, str]) -> None:
    """Say where results are, one line each, never broken, so that they can be copied."""
    for kind, path in outputs.items():
        word = "video" if kind == "film" else kind  # the key in the JSON is older than the word
        print(f"{word:5} {path}", file=sys.stdout)


def stamp(seconds: float) -> str:
    """A moment of a video: ``0:06.20`` or ``1:02:03.50``."""
    minutes, hundredths = divmod(round(seconds * 100), 6000)
    hours, minutes = divmod(minutes, 60)
    rest = f"{hundredths / 100:05.2f}"
    return f"{hours}:{minutes:02d}:{rest}" if hours else f"{minutes}:{rest}"


def write_csv(curve: SpeedinessCurve, path: Path) -> None:
    """One row per frame: its time, score, limit and label, and P(natural) at every factor.

    Raises:
        OSError: the file cannot be written; nothing is left of it.
    """
    import numpy as np

    starts_s = np.array([segment.start_s for segment in curve.segments])
    held_by = np.maximum(np.searchsorted(starts_s, curve.times_s + 1e-9, "right") - 1, 0)
    labels = [curve.segments[i].label if curve.segments else "" for i in held_by]
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(
                [
                    "time_s",
                    "sped_up",
                    "limit",
                    "label",
                    *(f"natural_at_{factor:g}" for factor in curve.factors),
                ]
            )
            columns = zip(curve.times_s, curve.sped_up, curve.limit(), labels, curve.normal.T, strict=True)
            for time_s, sped_up, limit, label, normal in columns:
                rows.writerow(
                    [
                        f"{time_s:.6f}",
                        f"{sped_up:.4f}",
                        f"{limit:.4f}",
                        label,
                        *(f"{p:.4f}" for p in normal),
                    ]
                )
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
