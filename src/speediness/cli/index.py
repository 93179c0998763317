"""speediness index: analyse all videos of a folder and remember how they move, for search."""

from __future__ import annotations

import argparse
from pathlib import Path

from speediness.cli.analysis_options import add_analysis_arguments
from speediness.cli.corpus import add_ray_argument, analysis_options, workers
from speediness.cli.terminal import print_error, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument(
        "source", metavar="DIR", type=Path, help="folder of videos, or a CSV with a column file"
    )
    parser.add_argument(
        "--db",
        metavar="WHERE",
        required=True,
        help="library to make or bring up to date: a folder, or an object store (s3://..)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    add_analysis_arguments(parser)
    add_ray_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Bring the library up to date; videos that cannot be analysed are reported (exit code 2)."""
    from speediness.progress import progress_bar
    from speediness.search.index import update_library

    with progress_bar(f"indexing {arguments.source.name or arguments.source}", "MB") as progress:
        changes = update_library(
            arguments.source,
            arguments.db,
            analysis_options(arguments, windows=True),
            workers(arguments),
            lambda done, whole: progress(done / 1e6, whole / 1e6),
        )
    for path, reason in changes.failed.items():
        print_error(reason if path in reason else f"{path}: {reason}")
    if arguments.json:
        print_json({"schema": "speediness.index/1", "db": arguments.db} | changes.to_json())
    else:
        counts = {
            "watched": len(changes.analysed),
            "known under another name or date": len(changes.known),
            "removed": len(changes.removed),
            "unchanged": changes.unchanged,
            "failed": len(changes.failed),
        }
        print(", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "nothing to do")
    return 2 if changes.failed else 0
